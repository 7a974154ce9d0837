package itest

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	gomemcache "github.com/bradfitz/gomemcache/memcache"

	"github.com/qsessions/qsessions/backend/memcache"
	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/testserver"
)

// TestTooLarge: BAD-41. What is too large is refused, by the limit of the configuration or by the server's own, and what
// was there is left; what is just small enough is kept.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	shared, small := testserver.Memcached(t).Addr, start(t, "-I", "512k").Addr
	const most = 1<<20 - 1<<10
	for _, v := range []struct {
		name, addr string
		fits, not  int
	}{
		{"by the configuration", shared, most, most + 1},
		{"by the server", small, 511 << 10, 513 << 10},
	} {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			c := openCache(t, memcachestore.CacheConfig{Prefix: strings.Repeat("p", 90) + prefix()}, v.addr)
			id, fits := newID(), noise(v.fits)
			fill(t, c, id, fits)
			for range 3 {
				ticket := holds(t, c, id, fits)
				wantErr(t, "Put", c.Put(ctx, id, ticket, noise(v.not), time.Minute), store.ErrTooLarge)
			}
			ticket := holds(t, c, id, fits)
			must(t, c.Put(ctx, id, ticket, []byte("small"), time.Minute))
			holds(t, c, id, []byte("small"))

			s := openStore(t, memcachestore.Config{Prefix: strings.Repeat("p", 90) + prefix()}, v.addr)
			r := record()
			r.Data = noise(v.not)
			wantErr(t, "Create", s.Create(ctx, r), store.ErrTooLarge)
			r.Data = noise(v.fits - 2<<10)
			must(t, s.Create(ctx, r))
			for _, r := range []*store.Record{r.Clone(), load(t, s, r.ID)} {
				r.Data = noise(v.not)
				wantErr(t, "Save", s.Save(ctx, r), store.ErrTooLarge)
			}
			if got := load(t, s, r.ID); got.Version != 1 || len(got.Data) != v.fits-2<<10 {
				t.Errorf("a record that could not be saved has version %d and %d bytes", got.Version, len(got.Data))
			}
		})
	}
}

// remaining asks a server how many seconds an item has left: -1 is for ever.
func remaining(t testing.TB, addr, key string) int64 {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	must(t, err)
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "mg %s t\r\n", key)
	must(t, err)
	line, err := bufio.NewReader(conn).ReadString('\n')
	must(t, err)
	n, err := strconv.ParseInt(strings.TrimPrefix(strings.TrimSpace(line), "HD t"), 10, 64)
	must(t, err)
	return n
}

// TestExpirations: BAD-64. Items end when they should, also after more than thirty days.
func TestExpirations(t *testing.T) {
	t.Parallel()
	addr, ctx := testserver.Memcached(t).Addr, t.Context()
	const day = 24 * time.Hour
	p := prefix()
	c := openCache(t, memcachestore.CacheConfig{Prefix: p}, addr)
	s := openStore(t, memcachestore.Config{Prefix: p}, addr)
	for _, v := range []struct{ ttl, least, most time.Duration }{
		{1, 0, time.Second},
		{time.Minute, 57 * time.Second, time.Minute},
		{time.Minute + 1, 58 * time.Second, 61 * time.Second},
		{30 * day, 30*day - 3*time.Second, 30 * day},
		{30*day + 1, 30*day - 3*time.Second, 30*day + 2*time.Second},
		{31 * day, 31*day - 3*time.Second, 31*day + 2*time.Second},
		{365 * day, 365*day - 3*time.Second, 365*day + 2*time.Second},
		{100 * 365 * day, -time.Second, -time.Second},
	} {
		id := newID()
		ticket := lease(t, c, id)
		if got := remaining(t, addr, p+"c1:"+base64ID(id)); got < 1 || got > 5 {
			t.Errorf("a lease has %d s left, want at most 5", got)
		}
		must(t, c.Put(ctx, id, ticket, []byte("copy"), v.ttl))
		if v.ttl > time.Second { // else it may be gone
			least, most := v.least, v.most
			if v.ttl > 30*day { // a copy may end sooner
				least, most = 30*day-5*time.Second, 30*day+5*time.Second // the server reads its clock once a second
			}
			if got := time.Duration(remaining(t, addr, p+"c1:"+base64ID(id))) * time.Second; got < least || got > most {
				t.Errorf("a copy for %v has %v left", v.ttl, got)
			}
		}
		r := record()
		r.ExpiresAt = r.CreatedAt.Add(v.ttl)
		must(t, s.Create(ctx, r))
		for _, do := range []func() error{
			func() error { return nil },
			func() error { return s.Save(ctx, r) },
			func() error {
				return s.Touch(ctx, r, store.Touch{LastSeen: r.LastSeen.Add(1000), ExpiresAt: r.ExpiresAt})
			},
		} {
			must(t, do())
			got := time.Duration(remaining(t, addr, p+"s1:"+base64ID(r.ID))) * time.Second
			if v.most < 0 && got >= 0 || v.most >= 0 && got < v.least+time.Minute-time.Second || v.most >= 0 && got > v.most+70*time.Second {
				t.Errorf("a record that ends in %v has %v left", v.ttl, got)
			}
		}
	}
	for _, end := range []time.Time{{}, time.Unix(0, 0), time.Now().Add(-time.Hour), time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)} {
		r := record()
		r.ExpiresAt = end
		must(t, s.Create(ctx, r))
		if got := remaining(t, addr, p+"s1:"+base64ID(r.ID)); got >= 0 && got < 59 {
			t.Errorf("a record that ends at %v has %d s left, want a minute", end, got)
		}
	}
}

// TestEviction: FLT-5. A server that is full forgets, and nothing else goes wrong.
func TestEviction(t *testing.T) {
	t.Parallel()
	addr, ctx := start(t, "-m", "1", "-I", "512k").Addr, t.Context()
	c := openCache(t, memcachestore.CacheConfig{}, addr)
	s := openStore(t, memcachestore.Config{}, addr)
	var ids []store.ID
	lost, lostRecords := 0, 0
	for range 1000 {
		id := newID()
		_, ticket, err := c.Get(ctx, id)
		must(t, err)
		if err := c.Put(ctx, id, ticket, noise(8<<10), time.Hour); err != nil && !errors.Is(err, store.ErrConflict) {
			t.Fatal(err)
		}
		r := record()
		r.ID, r.Data = id, noise(8<<10)
		must(t, s.Create(ctx, r))
		ids = append(ids, id)
	}
	for _, id := range ids {
		got, _, err := c.Get(ctx, id)
		must(t, err)
		if got == nil {
			lost++
		}
		switch r, err := s.Load(ctx, id); {
		case errors.Is(err, store.ErrNotFound):
			lostRecords++
		case err != nil || r.ID != id:
			t.Fatalf("Load = %v, %v", r, err)
		}
	}
	if lost == 0 || lostRecords == 0 {
		t.Errorf("%d copies and %d records were evicted: the server is not full", lost, lostRecords)
	}
}

// TestForeign: CVE-20, CVE-23, FLT-6. Damaged, swapped and foreign values are no records. In front of a database they are
// the caller's to judge, and can be replaced.
func TestForeign(t *testing.T) {
	t.Parallel()
	addr, ctx, p := testserver.Memcached(t).Addr, t.Context(), prefix()
	c := openCache(t, memcachestore.CacheConfig{Prefix: p}, addr)
	s := openStore(t, memcachestore.Config{Prefix: p}, addr)
	raw := gomemcache.New(addr)
	t.Cleanup(func() { must(t, raw.Close()) })
	get := func(key string) *gomemcache.Item {
		it, err := raw.Get(key)
		must(t, err)
		return it
	}
	a, b := record(), record()
	must(t, s.Create(ctx, a))
	must(t, s.Create(ctx, b))
	keyA, keyB := p+"s1:"+base64ID(a.ID), p+"s1:"+base64ID(b.ID)
	itA, itB := get(keyA), get(keyB)
	flipped := append([]byte(nil), itA.Value...)
	flipped[len(flipped)-1] ^= 1
	for name, v := range map[string][]byte{"another's record": itB.Value, "one with a bit flipped": flipped, "nothing": {}, "something": []byte("a:1:{}")} {
		must(t, raw.Set(&gomemcache.Item{Key: keyA, Value: v}))
		if r, err := s.Load(ctx, a.ID); r != nil || !errors.Is(err, store.ErrNotFound) {
			t.Errorf("Load of %s = %v, %v; want %v", name, r, err, store.ErrNotFound)
		}
		wantErr(t, "Save over "+name, s.Save(ctx, a.Clone()), store.ErrConflict)
		wantErr(t, "Touch over "+name, s.Touch(ctx, a.Clone(), later(a, time.Second)), store.ErrConflict)
	}
	must(t, s.Delete(ctx, a.ID))
	must(t, s.Create(ctx, a))

	// A copy is a copy, also one that looks like a lease; and a value of somebody else can be replaced.
	id, other := newID(), newID()
	lease(t, c, other)
	leased := get(p + "c1:" + base64ID(other)).Value
	fill(t, c, id, leased)
	must(t, c.Put(ctx, id, holds(t, c, id, leased), []byte{}, time.Minute))
	ticket := holds(t, c, id, []byte{})
	if got, _, _ := c.Get(ctx, id); got == nil {
		t.Error("an empty copy reads as none")
	}
	must(t, raw.Set(&gomemcache.Item{Key: p + "c1:" + base64ID(id), Value: []byte("foreign"), Flags: 1}))
	wantErr(t, "Put over what has come meanwhile", c.Put(ctx, id, ticket, []byte("copy"), time.Minute), store.ErrConflict)
	must(t, c.Put(ctx, id, holds(t, c, id, []byte("foreign")), []byte("copy"), time.Minute))
	holds(t, c, id, []byte("copy"))
}

// TestPrefixes: CVE-24. Applications with different prefixes share nothing, and neither do a cache and a store.
func TestPrefixes(t *testing.T) {
	t.Parallel()
	addr, p, id := testserver.Memcached(t).Addr, prefix(), newID()
	c := openCache(t, memcachestore.CacheConfig{Prefix: p}, addr)
	fill(t, c, id, []byte("copy"))
	for _, other := range []string{p + "c1:", p[:len(p)-1], p + "x", prefix()} {
		lease(t, openCache(t, memcachestore.CacheConfig{Prefix: other}, addr), id)
	}
	r := record()
	r.ID = id
	s := openStore(t, memcachestore.Config{Prefix: p}, addr)
	must(t, s.Create(t.Context(), r))
	must(t, s.Delete(t.Context(), id))
	holds(t, c, id, []byte("copy"))
	holds(t, openCache(t, memcachestore.CacheConfig{Prefix: p}, addr), id, []byte("copy"))
}
