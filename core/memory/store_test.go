package memory

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/qsessions/qsessions/core/store"
)

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)

func newRecord(user string) *store.Record {
	r := &store.Record{
		ID:        store.NewID(epoch),
		User:      user,
		CreatedAt: epoch,
		LastSeen:  epoch,
		ExpiresAt: epoch.Add(time.Hour),
		IP:        netip.MustParseAddr("192.0.2.1"),
		UserAgent: "test",
		Secret:    []byte("secret"),
		Data:      []byte("data"),
	}
	if user != "" {
		r.AuthenticatedAt = epoch
	}
	return r
}

func create(t *testing.T, s *Store, r *store.Record) *store.Record {
	t.Helper()
	if err := s.Create(t.Context(), r); err != nil {
		t.Fatalf("Create: %v", err)
	}
	return r
}

func TestNewRefusesNegativeBounds(t *testing.T) {
	t.Parallel()
	for _, c := range []Config{{MaxRecords: -1}, {MaxBytes: -1}} {
		if s, err := New(c); err == nil || s != nil {
			t.Errorf("New(%+v) = %v, %v; want an error", c, s, err)
		}
	}
}

// A full store refuses new records, keeps serving the old ones, and has room again after a Sweep.
func TestMaxRecords(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s, err := New(Config{MaxRecords: 2})
	if err != nil {
		t.Fatal(err)
	}
	a, b := create(t, s, newRecord("u")), create(t, s, newRecord(""))

	c := newRecord("u")
	if err := s.Create(ctx, c); !errors.Is(err, store.ErrUnavailable) || c.Version != 0 {
		t.Fatalf("Create in a full store: error %v, version %d; want ErrUnavailable, 0", err, c.Version)
	}
	if _, err := s.Load(ctx, c.ID); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("Load of the refused record: %v, want ErrNotFound", err)
	}
	if err := s.Create(ctx, a); !errors.Is(err, store.ErrExists) {
		t.Errorf("Create of a known id in a full store: %v, want ErrExists", err)
	}
	if err := s.Save(ctx, a); err != nil {
		t.Errorf("Save in a full store: %v", err)
	}

	if err := s.Delete(ctx, b.ID); err != nil {
		t.Fatal(err)
	}
	if err := s.Create(ctx, c); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Create while the removed record is remembered: %v, want ErrUnavailable", err)
	}
	if n, err := s.Sweep(ctx, b.ExpiresAt, 10); n != 0 || err != nil {
		t.Errorf("Sweep before the end of the removed record = %d, %v; want 0, nil", n, err)
	}
	if n, err := s.Sweep(ctx, b.ExpiresAt.Add(1), 1); n != 1 || err != nil {
		t.Fatalf("Sweep = %d, %v; want 1, nil", n, err)
	}
	create(t, s, c)
}

func TestMaxBytes(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s, err := New(Config{MaxBytes: 4 << 10})
	if err != nil {
		t.Fatal(err)
	}
	r := create(t, s, newRecord("u"))

	huge := newRecord("u")
	huge.Data = make([]byte, 4<<10)
	if err := s.Create(ctx, huge); !errors.Is(err, store.ErrTooLarge) {
		t.Errorf("Create of a record larger than the store: %v, want ErrTooLarge", err)
	}
	huge.Data = huge.Data[:3<<10]
	if err := s.Create(ctx, huge); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Create of a record that does not fit now: %v, want ErrUnavailable", err)
	}
	big := *r
	big.Data = make([]byte, 4<<10)
	if err := s.Save(ctx, &big); !errors.Is(err, store.ErrTooLarge) || big.Version != 1 {
		t.Errorf("Save of a record that does not fit: error %v, version %d; want ErrTooLarge, 1", err, big.Version)
	}
	if got, err := s.Load(ctx, r.ID); err != nil || string(got.Data) != "data" || got.Version != 1 {
		t.Errorf("Load after a refused Save = %+v, %v; want it unchanged", got, err)
	}
	big.Data = big.Data[:2<<10]
	if err := s.Save(ctx, &big); err != nil {
		t.Errorf("Save of a record that fits: %v", err)
	}

	// A cut-off may go beyond the bound; then nothing may grow, but anything may shrink.
	for i := range 64 {
		if _, err := s.DeleteUser(ctx, fmt.Sprint("other", i), epoch); err != nil {
			t.Fatal(err)
		}
	}
	big.Data = append(big.Data, 0)
	if err := s.Save(ctx, &big); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Save that grows beyond what others leave: %v, want ErrUnavailable", err)
	}
	big.Data = nil
	if err := s.Save(ctx, &big); err != nil {
		t.Errorf("Save that shrinks beyond the bound: %v", err)
	}
}

func TestFieldLimits(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	var s Store
	kept := create(t, &s, newRecord("u"))
	for name, spoil := range map[string]func(*store.Record){
		"user":       func(r *store.Record) { r.User = strings.Repeat("u", store.MaxUser+1) },
		"user agent": func(r *store.Record) { r.UserAgent = strings.Repeat("u", store.MaxUserAgent+1) },
		"secret":     func(r *store.Record) { r.Secret = make([]byte, store.MaxSecret+1) },
	} {
		r := newRecord("u")
		spoil(r)
		if err := s.Create(ctx, r); !errors.Is(err, store.ErrTooLarge) {
			t.Errorf("%s: Create = %v, want ErrTooLarge", name, err)
		}
		r.ID, r.Version = kept.ID, kept.Version
		if err := s.Save(ctx, r); !errors.Is(err, store.ErrTooLarge) {
			t.Errorf("%s: Save = %v, want ErrTooLarge", name, err)
		}
	}
	long := store.Touch{LastSeen: epoch.Add(1), ExpiresAt: kept.ExpiresAt, UserAgent: strings.Repeat("u", store.MaxUserAgent+1)}
	if err := s.Touch(ctx, kept, long); !errors.Is(err, store.ErrTooLarge) || kept.UserAgent != "test" {
		t.Errorf("Touch = %v, want ErrTooLarge and no change", err)
	}
}

// A cut-off stays that of its user when the buffer that the user's name was read from has another text.
func TestCutoffOwnsUser(t *testing.T) {
	t.Parallel()
	var s Store
	for _, cutoff := range []time.Time{epoch, epoch.Add(1)} { // a new key, and one that is there
		buffer := []byte("alice")
		if _, err := s.DeleteUser(t.Context(), unsafe.String(&buffer[0], len(buffer)), cutoff); err != nil {
			t.Fatal(err)
		}
		copy(buffer, "bobby")
		for user, want := range map[string]time.Time{"alice": cutoff, "bobby": {}} {
			if got, err := s.Cutoff(t.Context(), user); err != nil || !got.Equal(want) {
				t.Errorf("Cutoff of %s = %v, %v; want %v", user, got, err, want)
			}
		}
	}
	if got := len(s.usersOf("alice").cutoffs); got != 1 {
		t.Errorf("%d cut-offs, want 1", got)
	}
}

// What is used returns to zero, and nothing is left in the maps, when every record has come and gone.
func TestUsageReturnsToZero(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	var s Store
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			user := fmt.Sprint("user", g%3)
			for i := range 200 {
				r := newRecord([]string{"", user}[i%2])
				if err := s.Create(ctx, r); err != nil {
					t.Errorf("Create: %v", err)
					return
				}
				r.User, r.AuthenticatedAt = user, epoch
				r.Data = bytes.Repeat([]byte("x"), i)
				_ = s.Save(ctx, r)
				_ = s.Touch(ctx, r, store.Touch{LastSeen: epoch.Add(time.Second), ExpiresAt: r.ExpiresAt, UserAgent: strings.Repeat("a", i)})
				switch i % 50 {
				case 10:
					_ = s.Delete(ctx, r.ID, r.ID, store.NewID(epoch))
				case 20:
					_, _ = s.DeleteUser(ctx, user, epoch.Add(time.Duration(i)), r.ID)
				case 30:
					_, _ = s.Sweep(ctx, epoch.Add(2*time.Hour), 7)
				case 40:
					for l, err := range s.List(ctx, store.Query{User: user, Data: true}) {
						if err != nil || l.Secret != nil {
							t.Errorf("List: secret %q, error %v", l.Secret, err)
						}
					}
				}
			}
		})
	}
	wg.Wait()
	if s.used.records.Load() == 0 || s.used.bytes.Load() < recordBytes {
		t.Fatalf("usage before the sweep: %d records, %d bytes; the test must leave some", s.used.records.Load(), s.used.bytes.Load())
	}
	for {
		n, err := s.Sweep(ctx, epoch.Add(48*time.Hour), 100)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			break
		}
	}
	if r, b := s.used.records.Load(), s.used.bytes.Load(); r != 0 || b != 0 {
		t.Errorf("usage after the sweep: %d records, %d bytes; want 0, 0", r, b)
	}
	for i := range shardCount {
		if n := len(s.shards[i].records) + len(s.shards[i].removed) + len(s.users[i].ids) + len(s.users[i].cutoffs); n != 0 {
			t.Errorf("shard %d still holds %d entries", i, n)
		}
	}
}

// The estimate of what an entry needs covers what the runtime says, or MaxBytes would not bound the process.
func TestEstimate(t *testing.T) {
	if testing.Short() {
		t.Skip("allocates some 30 MB")
	}
	const n = 30_000
	ctx := t.Context()
	var s Store
	before := heap()
	ids := make([]store.ID, n)
	for i := range ids {
		r := newRecord(fmt.Sprintf("user-%06d", i)) // one record a user: the index is at its largest
		ids[i] = r.ID
		r.Secret, r.Data = make([]byte, 96), make([]byte, 160)
		create(t, &s, r)
	}
	compare := func(what string) {
		t.Helper()
		got, counted := heap()-before-16*n, s.used.bytes.Load()
		t.Logf("%s: %d bytes each, %d counted", what, got/n, counted/n)
		if got > counted {
			t.Errorf("%s: %d need %d bytes, but count as %d", what, n, got, counted)
		}
	}
	compare("records")
	if err := s.Delete(ctx, ids...); err != nil {
		t.Fatal(err)
	}
	compare("removed records")
	s.shards, s.users, ids = [shardCount]shard{}, [shardCount]userShard{}, nil
	s.used.bytes.Store(0)
	before = heap() - 16*n
	for i := range n {
		if _, err := s.DeleteUser(ctx, fmt.Sprintf("user-%06d", i), epoch); err != nil {
			t.Fatal(err)
		}
	}
	compare("cut-offs")
}

func TestAllocations(t *testing.T) {
	ctx := t.Context()
	var s Store
	r := create(t, &s, newRecord("u"))
	for _, c := range []struct {
		name string
		want float64
		run  func() error
	}{
		{"Load", 2, func() error { _, err := s.Load(ctx, r.ID); return err }}, // the record; Secret and Data together
		{"Save", 2, func() error { return s.Save(ctx, r) }},
		{"Touch", 1, func() error {
			return s.Touch(ctx, r, store.Touch{LastSeen: r.LastSeen.Add(1), ExpiresAt: r.ExpiresAt, IP: r.IP, UserAgent: r.UserAgent})
		}},
		{"Cutoff", 0, func() error { _, err := s.Cutoff(ctx, "u"); return err }},
		{"Delete of an unknown id", 0, func() error { return s.Delete(ctx, store.ID{}) }},
	} {
		var err error
		if got := testing.AllocsPerRun(100, func() { err = errors.Join(err, c.run()) }); got != c.want || err != nil {
			t.Errorf("%s: %v allocations, error %v; want %v", c.name, got, err, c.want)
		}
	}
}
