package cacheddb

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/store"
)

// The calls of each operation are those of the table in the package's measurements.
func TestCalls(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		r := w.create()
		w.took("create", 0, 0, 0, 0, 0)
		w.load(w.a, r.ID)
		w.took("read, miss", 1, 1, 0, 1, 0)
		r = w.load(w.b, r.ID)
		w.took("read, hit", 1, 0, 0, 0, 0)
		w.save(w.b, r, "2")
		w.took("save after a hit", 0, 1, 0, 0, 1)
		w.save(w.b, r, "3")
		w.took("save again", 0, 0, 1, 0, 1)
		r = w.load(w.a, r.ID)
		w.took("read after that", 1, 1, 0, 1, 0)
		time.Sleep(time.Second)
		touch := store.Touch{LastSeen: r.LastSeen.Add(time.Second), ExpiresAt: r.ExpiresAt.Add(time.Second)}
		w.ok(w.a.Touch(w.Context(), r, touch))
		w.took("touch after a miss", 0, 0, 1, 0, 1)
		w.load(w.a, r.ID)
		r = w.load(w.a, r.ID)
		w.took("miss and hit", 2, 1, 0, 1, 0)
		old := r.Clone()
		touch.LastSeen = touch.LastSeen.Add(time.Second)
		w.ok(w.a.Touch(w.Context(), r, touch))
		w.took("touch after a hit", 0, 1, 0, 0, 1)
		old.LastSeen = touch.LastSeen
		w.save(w.b, old, "4")
		w.took("save that is refused", 0, 1, 1, 0, 1)
		time.Sleep(3 * time.Minute)
		w.load(w.a, r.ID)
		w.took("miss", 1, 1, 0, 1, 0)
		if _, err := w.a.LoadFresh(w.Context(), r.ID); err != nil {
			t.Fatal(err)
		}
		w.took("authoritative read", 1, 1, 0, 1, 0)
		w.ok(w.a.Delete(w.Context(), r.ID))
		w.took("revoke", 0, 0, 1, 0, 1)
		w.gone(w.b, r.ID)
		w.took("read what is gone", 1, 0, 0, 1, 0)
		if _, err := w.a.DeleteUser(w.Context(), "nobody", time.Now()); err != nil {
			t.Fatal(err)
		}
		w.took("revoke a user without sessions", 0, 0, 0, 0, 1)
	})
}

// A copy is used as long as it is fresh, not longer, and a touch makes it fresh again. SEC-8: one whose session has
// expired by it is asked for in the database, where another process may have prolonged it.
func TestFreshness(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		r := w.create()
		w.warm(r.ID)
		time.Sleep(2 * time.Minute)
		r = w.load(w.b, r.ID)
		w.took("at the end", 1, 0, 0, 0, 0)
		w.ok(w.b.Touch(w.Context(), r, store.Touch{LastSeen: r.LastSeen.Add(time.Minute), ExpiresAt: r.ExpiresAt}))
		w.took("touch", 0, 1, 0, 0, 1)
		time.Sleep(2 * time.Minute)
		w.load(w.a, r.ID)
		w.took("after a touch", 1, 0, 0, 0, 0)
		time.Sleep(time.Microsecond)
		w.load(w.a, r.ID)
		w.took("after the end", 1, 1, 0, 1, 0)

		short := record()
		short.ExpiresAt = short.CreatedAt.Add(5 * time.Minute)
		w.ok(w.a.Create(w.Context(), short))
		short.ExpiresAt = time.Now().Add(time.Second).UTC()
		w.ok(w.db.Store.Save(w.Context(), short))
		w.warm(short.ID)
		short.ExpiresAt = time.Now().Add(time.Hour).UTC()
		w.ok(w.db.Store.Save(w.Context(), short))
		time.Sleep(time.Second)
		if r := w.load(w.a, short.ID); !r.Live(time.Now()) {
			t.Error("a copy of an expired session hides that it was prolonged")
		}
		if s := w.a.Stats(); s.Stale != 2 {
			t.Errorf("got %d stale loads, want 2", s.Stale)
		}
	})
}

// FLT-21: a copy from a clock that is too far ahead is not used, one within the allowance is.
func TestClockAhead(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		r := w.create()
		for _, c := range []struct {
			ahead time.Duration
			hit   bool
		}{{2 * time.Second, true}, {2*time.Second + time.Microsecond, false}, {1000 * time.Hour, false}} {
			_, ticket, err := w.cache.Cache.Get(w.Context(), r.ID)
			w.ok(err)
			b, err := encode(w.form(), r, time.Now().Add(2*time.Minute+c.ahead).UnixMicro())
			w.ok(err)
			w.ok(w.cache.Cache.Put(w.Context(), r.ID, ticket, b, time.Hour))
			before := w.a.Stats().Hits
			w.load(w.a, r.ID)
			if got := w.a.Stats().Hits > before; got != c.hit {
				t.Errorf("a clock %v ahead: hit %t, want %t", c.ahead, got, c.hit)
			}
		}
	})
}

// CVE-6: the cache is told after the database, and of nothing if the database failed; but of a removal by id, which may
// have happened nevertheless: see TestDeleteUnknown.
func TestOrder(t *testing.T) {
	for _, method := range []string{"DeleteUser", "Save", "Touch"} {
		t.Run(method, func(t *testing.T) {
			inWorld(t, Config{}, func(t *testing.T, w *world) {
				r := w.create()
				w.warm(r.ID)
				r = w.load(w.b, r.ID)
				w.cache.took()
				w.db.before = func(m string) error {
					if m == method {
						return store.ErrUnavailable
					}
					return nil
				}
				err := w.write(method, w.b, r)
				if !errors.Is(err, store.ErrUnavailable) {
					t.Fatalf("got %v, want ErrUnavailable", err)
				}
				w.took(method, 0, 0, 0, 0, 1)
				w.load(w.a, r.ID)
				w.took("the copy", 1, 0, 0, 0, 0)
			})
		})
	}
}

// A removal whose answer was lost may have happened: no copy goes on to say otherwise.
func TestDeleteUnknown(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		r := w.create()
		w.warm(r.ID)
		w.db.after = func(m string) error {
			if m == "Delete" {
				return store.ErrUnavailable
			}
			return nil
		}
		if err := w.a.Delete(w.Context(), r.ID); !errors.Is(err, store.ErrUnavailable) {
			t.Fatalf("got %v, want ErrUnavailable", err)
		}
		w.gone(w.a, r.ID)
		w.gone(w.b, r.ID)
	})
}

// write calls the method for r.
func (w *world) write(method string, s *Store, r *store.Record) error {
	switch method {
	case "Save":
		return s.Save(w.Context(), r)
	case "Touch":
		return s.Touch(w.Context(), r, store.Touch{LastSeen: r.LastSeen.Add(time.Second), ExpiresAt: r.ExpiresAt})
	case "Delete":
		return s.Delete(w.Context(), r.ID)
	}
	_, err := s.DeleteUser(w.Context(), r.User, time.Now().Add(time.Second))
	return err
}

// SEC-10, CVE-1: a read that began before a removal, in the middle of a fill, does not put the session back.
func TestDeleteDuringFill(t *testing.T) {
	for _, method := range []string{"Delete", "DeleteUser"} {
		inWorld(t, Config{}, func(t *testing.T, w *world) {
			r := w.create()
			w.db.after = func(m string) error {
				if m == "Load" {
					w.db.after = nil
					w.ok(w.write(method, w.b, r))
				}
				return nil
			}
			w.load(w.a, r.ID) // it began before
			w.gone(w.a, r.ID)
			w.gone(w.b, r.ID)
			if s := w.a.Stats(); s.Refused != 1 {
				t.Errorf("%s: got %d refused copies, want 1", method, s.Refused)
			}
		})
	}
}

// FLT-4: a removal that the cache could not be told of says by when it holds, and it does. The process itself, and
// whoever asks the database, refuse the session at once (SEC-15); a retry that returns nil is exact.
func TestPending(t *testing.T) {
	for _, method := range []string{"Delete", "DeleteUser"} {
		t.Run(method, func(t *testing.T) {
			inWorld(t, Config{}, func(t *testing.T, w *world) {
				r := w.create()
				w.warm(r.ID)
				time.Sleep(time.Minute)
				w.load(w.b, r.ID)
				w.cacheFails(errDown, "Delete")
				var p *store.PendingError
				if err := w.write(method, w.a, r); !errors.As(err, &p) || !errors.Is(p.Err, errDown) || errors.Is(err, errDown) {
					t.Fatalf("got %v, want a PendingError of %v", err, errDown)
				}
				if by := time.Now().Add(2*time.Minute + 2*time.Second); !p.EffectiveBy.Equal(by) {
					t.Errorf("EffectiveBy is %v, want %v", p.EffectiveBy, by)
				}
				w.gone(w.a, r.ID)
				w.load(w.b, r.ID) // the copy that could not be deleted
				if _, err := w.b.LoadFresh(w.Context(), r.ID); !errors.Is(err, store.ErrNotFound) {
					t.Errorf("LoadFresh: got %v, want ErrNotFound", err)
				}
				w.cacheWorks()
				w.ok(w.write(method, w.a, r))
				w.gone(w.b, r.ID)
				if w.a.untold.some.Load() {
					t.Error("the cache is told, and its copies are still doubted")
				}
			})
			inWorld(t, Config{}, func(t *testing.T, w *world) {
				r := w.create()
				w.warm(r.ID)
				w.cacheFails(errDown, "Delete")
				if err := w.write(method, w.a, r); !errors.As(err, new(*store.PendingError)) {
					t.Fatal(err)
				}
				time.Sleep(2*time.Minute + 2*time.Second)
				w.gone(w.b, r.ID)
			})
		})
	}
}

// What is told goes on for a caller whose client is gone, and what the cache is given to answer is bounded.
func TestDetached(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		r := w.create()
		w.warm(r.ID)
		ctx, cancel := context.WithCancel(t.Context())
		w.db.after = func(string) error { cancel(); return nil }
		w.ok(w.a.Delete(ctx, r.ID))
		w.db.after = nil
		w.gone(w.b, r.ID)
		r = w.create()
		w.warm(r.ID)
		r = w.load(w.a, r.ID)
		w.cache.took()
		w.db.took()
		ctx, cancel = context.WithCancel(t.Context())
		w.db.after = func(string) error { cancel(); return nil }
		w.ok(w.a.Save(ctx, r))
		w.db.after = nil
		w.took("save for a client that is gone", 0, 1, 0, 0, 1)
		if s := w.a.Stats(); s.Stored != 3 {
			t.Errorf("got %d copies stored, want 3", s.Stored)
		}
		if deadline, ok := w.cache.last.Deadline(); !ok || time.Until(deadline) > 100*time.Millisecond {
			t.Errorf("the cache has until %v, want 100ms", deadline)
		}
		if _, err := w.a.Load(ctx, r.ID); !errors.Is(err, context.Canceled) {
			t.Errorf("Load under a context that is done: got %v", err)
		}
	})
}

// BAD-41: what the cache cannot take is not cached, and what it has of the session goes.
func TestTooLarge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cache, err := memory.NewCache(memory.CacheConfig{MaxBytes: 4096})
		if err != nil {
			t.Fatal(err)
		}
		db := new(memory.Store)
		s, err := New(cache, db, Config{})
		if err != nil {
			t.Fatal(err)
		}
		r := record()
		if err := s.Create(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if r, err = s.Load(t.Context(), r.ID); err != nil {
				t.Fatal(err)
			}
		}
		r.Data = []byte(strings.Repeat("x", 5000))
		if err := s.Save(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			got, err := s.Load(t.Context(), r.ID)
			if err != nil || len(got.Data) != 5000 {
				t.Fatalf("got %v, %v, want what was saved", got, err)
			}
		}
		if got := s.Stats(); got.Hits != 1 || got.TooLarge != 2 {
			t.Errorf("got %+v, want 1 hit, and 2 copies that are too large", got)
		}
	})
}

func TestNew(t *testing.T) {
	cache, db := new(memory.Cache), new(memory.Store)
	both, err := New(cache, db, Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		cache store.Cache
		db    store.Indexed
		c     Config
		want  string
	}{
		{"no cache", nil, db, Config{}, "a cache"},
		{"no database", cache, nil, Config{}, "a database"},
		{"two caches", cache, both, Config{}, "from copies"},
		{"freshness", cache, db, Config{Freshness: 5 * time.Minute}, "Freshness"},
		{"negative freshness", cache, db, Config{Freshness: -1}, "Freshness"},
		{"skew", cache, db, Config{Skew: time.Minute}, "Skew"},
		{"timeout", cache, db, Config{Timeout: time.Minute}, "Timeout"},
		{"retry", cache, db, Config{Retry: time.Hour}, "Retry"},
		{"namespace", cache, db, Config{Namespace: strings.Repeat("n", 256)}, "Namespace"},
		{"short key", cache, db, Config{Keys: [][]byte{make([]byte, 32), make([]byte, 16)}}, "Keys[1]"},
		{"key twice", cache, db, Config{Keys: [][]byte{make([]byte, 32), make([]byte, 32)}}, "Keys[1]"},
	} {
		if s, err := New(c.cache, c.db, c.c); s != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, %v, want an error about %s", c.name, s, err, c.want)
		}
	}
}
