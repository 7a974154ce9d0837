package itest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/rueidis"

	rueidisstore "github.com/qsessions/qsessions/backend/rueidis"
	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/testserver"
)

// modes are the ways in which a cache runs.
var modes = map[string]rueidisstore.CacheConfig{
	"plain":      {},
	"clientside": {ClientSide: 5 * time.Second},
}

// redisURL is the URL of the server that the tests share.
func redisURL(tb testing.TB) string {
	tb.Helper()
	return "redis://" + testserver.Redis(tb).Addr
}

func testserverAddr(tb testing.TB) string { tb.Helper(); return testserver.Redis(tb).Addr }

// ownRedis starts a server for one test, which may be ended, stopped and filled.
func ownRedis(tb testing.TB, args ...string) *testserver.Server {
	tb.Helper()
	testserver.Redis(tb) // skips where there is none
	s, err := testserver.Start(tb.Context(), testserver.KindRedis, testserver.Options{Args: args})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Stop)
	if !s.Running() {
		tb.Skip("needs a server of its own")
	}
	return s
}

// openCache opens a cache with a prefix of its own.
func openCache(tb testing.TB, url string, c rueidisstore.CacheConfig) *rueidisstore.Cache {
	tb.Helper()
	if c.Prefix == "" {
		c.Prefix = prefix()
	}
	if c.Timeout == 0 {
		c.Timeout = 5 * time.Second // the machine may be busy
	}
	cache, err := rueidisstore.OpenCache(tb.Context(), url, c)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { cache.Close() })
	return cache
}

func prefix() string { return "t" + newID().String() + ":" }

// client opens a plain client, to look at the server from the side.
func client(tb testing.TB, url string) rueidis.Client {
	tb.Helper()
	o, err := rueidis.ParseURL(url)
	if err != nil {
		tb.Fatal(err)
	}
	o.DisableCache = true
	c, err := rueidis.NewClient(o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.Close)
	return c
}

// command sends a command from the side.
func command(tb testing.TB, c rueidis.Client, words ...string) rueidis.RedisResult {
	tb.Helper()
	r := c.Do(tb.Context(), c.B().Arbitrary(words...).Build())
	if err := r.Error(); err != nil && !rueidis.IsRedisNil(err) {
		tb.Fatalf("%s: %v", words[0], err)
	}
	return r
}

func newID() store.ID { return store.NewID(time.Now()) }

func slotKey(prefix string, id store.ID) string { return prefix + "c1:" + id.String() }

// lease takes a lease, which must be there to be taken.
func lease(tb testing.TB, c store.Cache, id store.ID) store.Ticket {
	tb.Helper()
	copy, t, err := c.Get(tb.Context(), id)
	if copy != nil || t == 0 || err != nil {
		tb.Fatalf("Get of an empty slot: got a copy of %d bytes, ticket %d, %v; want a lease", len(copy), t, err)
	}
	return t
}

// fill puts a copy into an empty slot.
func fill(tb testing.TB, c store.Cache, id store.ID, copy string) {
	tb.Helper()
	if err := c.Put(tb.Context(), id, lease(tb, c, id), []byte(copy), time.Hour); err != nil {
		tb.Fatal(err)
	}
}

// hit returns the ticket of a copy, which must be there.
func hit(tb testing.TB, c store.Cache, id store.ID, want string) store.Ticket {
	tb.Helper()
	copy, t, err := c.Get(tb.Context(), id)
	if string(copy) != want || t == 0 || err != nil {
		tb.Fatalf("Get: got %q, ticket %d, %v; want %q", copy, t, err, want)
	}
	return t
}

// noTicket asserts that there is no copy, and no ticket either.
func noTicket(tb testing.TB, c store.Cache, id store.ID) {
	tb.Helper()
	if copy, t, err := c.Get(tb.Context(), id); copy != nil || t != 0 || err != nil {
		tb.Fatalf("Get: got %q, ticket %d, %v; want nothing at all", copy, t, err)
	}
}

func remove(tb testing.TB, c store.Cache, ids ...store.ID) {
	tb.Helper()
	if err := c.Delete(tb.Context(), ids...); err != nil {
		tb.Fatal(err)
	}
}

func wantError(tb testing.TB, what string, got, want error) {
	tb.Helper()
	if !errors.Is(got, want) {
		tb.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// await polls until ok, for ten seconds.
func await(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(10 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			tb.Fatalf("waited ten seconds in vain: %s", what)
		}
	}
}

// A proxy stands between a client and a server.
type proxy struct {
	addr    string
	server  atomic.Pointer[string]                      // of the next connections
	trips   atomic.Int64                                // changes of direction: requests of a client that does one thing at a time
	rewrite func(request []byte) []byte                 // may be nil
	reply   func(conn int, reply []byte) ([]byte, bool) // may be nil; false cuts the connection
	mu      sync.Mutex
	conns   []net.Conn
}

// startProxy starts a proxy in front of a server.
func startProxy(tb testing.TB, p *proxy, server string) {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	p.addr = l.Addr().String()
	p.server.Store(&server)
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := 0; ; n++ {
			front, err := l.Accept()
			if err != nil {
				return
			}
			back, err := net.Dial("tcp", *p.server.Load())
			if err != nil {
				front.Close()
				continue
			}
			p.mu.Lock()
			p.conns = append(p.conns, front, back)
			p.mu.Unlock()
			var asked atomic.Bool
			wg.Go(func() {
				defer back.Close()
				pump(front, back, func(b []byte) ([]byte, bool) {
					if !asked.Swap(true) {
						p.trips.Add(1)
					}
					if p.rewrite != nil {
						b = p.rewrite(b)
					}
					return b, true
				})
			})
			wg.Go(func() {
				defer front.Close()
				pump(back, front, func(b []byte) ([]byte, bool) {
					asked.Store(false)
					if p.reply != nil {
						return p.reply(n, b)
					}
					return b, true
				})
			})
		}
	})
	tb.Cleanup(func() {
		l.Close()
		p.mu.Lock()
		for _, c := range p.conns {
			c.Close()
		}
		p.mu.Unlock()
		wg.Wait()
	})
}

func pump(from io.Reader, to io.Writer, change func([]byte) ([]byte, bool)) {
	buffer := make([]byte, 1<<20)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		b, ok := change(buffer[:n])
		if _, err := to.Write(b); err != nil || !ok {
			return
		}
	}
}

// count returns how many requests f makes of a proxy.
func (p *proxy) count(f func()) int64 {
	before := p.trips.Load()
	f()
	return p.trips.Load() - before
}

// oldServer makes a server refuse SET with NX and GET, as those before Redis 7 do.
func oldServer(request []byte) []byte {
	return bytes.ReplaceAll(request, []byte("$2\r\nNX\r\n$3\r\nGET\r\n"), []byte("$2\r\nNX\r\n$3\r\nBAD\r\n"))
}

func numbered(n int) (ids []store.ID) {
	for range n {
		ids = append(ids, newID())
	}
	return ids
}

// stat returns a number of INFO.
func stat(tb testing.TB, c rueidis.Client, section, name string) (n int64) {
	tb.Helper()
	text, err := command(tb, c, "INFO", section).ToString()
	if err != nil {
		tb.Fatal(err)
	}
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), name+":"); ok {
			fmt.Sscan(strings.TrimPrefix(value, "calls="), &n)
		}
	}
	return n
}
