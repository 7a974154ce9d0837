package cacheddb

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// A process reads what it wrote, also where the cache could not be told: for others the old copy is good until it ends.
func TestReadYourWrites(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		r := w.create()
		w.warm(r.ID)
		r = w.load(w.a, r.ID)
		w.cacheFails(errDown, "Put", "Delete")
		w.save(w.a, r, "new")
		if s := w.a.Stats(); s.Untold != 1 {
			t.Errorf("got %d untold, want 1", s.Untold)
		}
		if got := w.load(w.b, r.ID); string(got.Data) != "data" {
			t.Errorf("the other process: got %q, want the copy", got.Data)
		}
		for range 2 {
			if got := w.load(w.a, r.ID); string(got.Data) != "new" {
				t.Errorf("got %q, want what was written", got.Data)
			}
		}
		w.cacheWorks()
		w.load(w.a, r.ID) // renews the copy
		w.cache.took()
		w.db.took()
		for _, s := range []*Store{w.a, w.b} {
			if got := w.load(s, r.ID); string(got.Data) != "new" {
				t.Errorf("got %q, want the renewed copy", got.Data)
			}
			w.took("the renewed copy", 1, 0, 0, 0, 0)
		}
	})
}

// What LoadFresh has said holds for the process, also where the cache cannot be asked: a write whose outcome was unknown,
// and which turns out to have succeeded, is acknowledged by it.
func TestLoadFreshHolds(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		r := w.create()
		w.warm(r.ID)
		r.Data = []byte("new")
		w.ok(w.db.Store.Save(w.Context(), r)) // the answer was lost
		w.cacheFails(errDown, "Get", "Put", "Delete")
		if _, err := w.a.LoadFresh(w.Context(), r.ID); err != nil {
			t.Fatal(err)
		}
		w.cacheWorks()
		if got := w.load(w.a, r.ID); string(got.Data) != "new" {
			t.Errorf("got %q, want what LoadFresh has said", got.Data)
		}
		w.ok(w.db.Store.Delete(w.Context(), r.ID))
		w.cacheFails(errDown, "Get", "Put", "Delete")
		if _, err := w.a.LoadFresh(w.Context(), r.ID); !errors.Is(err, store.ErrNotFound) {
			t.Fatalf("got %v, want ErrNotFound", err)
		}
		w.cacheWorks()
		w.gone(w.a, r.ID)
	})
}

// FLT-20: a LoadFresh that got no answer from anybody is no reason to doubt a copy, which is all there is.
func TestLoadFreshFails(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		r := w.create()
		w.warm(r.ID)
		w.cacheFails(errDown, "Get", "Put", "Delete")
		w.db.before = func(string) error { return store.ErrUnavailable }
		if _, err := w.a.LoadFresh(w.Context(), r.ID); !errors.Is(err, store.ErrUnavailable) {
			t.Fatalf("got %v, want ErrUnavailable", err)
		}
		w.cacheWorks()
		w.load(w.a, r.ID)
	})
}

// A copy that was read before the write does not count as renewed.
func TestUntoldByOlderFill(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		r := w.create()
		w.db.after = func(m string) error {
			if m != "Load" {
				return nil
			}
			w.db.after = nil
			time.Sleep(time.Millisecond)
			w.cacheFails(errDown, "Delete")
			w.save(w.a, r, "new") // in the middle of a fill, and the lease could not be deleted
			return nil
		}
		w.load(w.a, r.ID)
		if got := w.load(w.a, r.ID); string(got.Data) != "new" {
			t.Errorf("got %q, want what was written", got.Data)
		}
	})
}

// What is remembered is bounded in number and time.
func TestUntoldBounds(t *testing.T) {
	u := untold{until: time.Minute}
	now := time.Now()
	ids := make([]store.ID, maxUntold)
	for i := range ids {
		ids[i] = store.NewID(time.Now())
	}
	other := store.NewID(time.Now())
	u.add(ids, now)
	if !u.has(ids[0], now) || u.has(other, now) || u.has(ids[0], now.Add(time.Minute)) {
		t.Error("a full set is not exact")
	}
	u.add(ids, now)
	u.add([]store.ID{other}, now.Add(time.Second))
	if len(u.since) > maxUntold {
		t.Errorf("got %d, want at most %d", len(u.since), maxUntold)
	}
	if third := store.NewID(time.Now()); !u.has(third, now.Add(time.Second)) || u.has(third, now.Add(time.Minute+time.Second)) {
		t.Error("beyond the bound every copy is doubted, for the time")
	}
	u.add([]store.ID{other}, now.Add(time.Second))
	u.told(other, now.Add(time.Second))
	if !u.has(other, now.Add(time.Second)) {
		t.Error("an answer about one session ends the doubt about all")
	}
	u = untold{until: time.Minute}
	u.add(ids, now)
	u.add([]store.ID{other}, now.Add(time.Minute))
	if len(u.since) != 1 || !u.has(other, now.Add(time.Minute)) {
		t.Errorf("got %d, want what has ended forgotten", len(u.since))
	}
	u.told(other, now) // as of before
	if !u.has(other, now.Add(time.Minute)) {
		t.Error("an older answer of the database counts")
	}
	u.told(other, now.Add(time.Minute))
	if u.has(other, now.Add(time.Minute)) || u.some.Load() {
		t.Error("a later answer of the database does not count")
	}
}

// When all has ended a load takes no lock any more, though nobody has asked for what was remembered.
func TestUntoldEnds(t *testing.T) {
	now := time.Now()
	for _, n := range []int{1, maxUntold + 1} {
		u := untold{until: time.Minute}
		u.add(make([]store.ID, n), now)
		u.add([]store.ID{store.NewID(now)}, now.Add(-time.Second))
		if other := store.NewID(now); u.has(other, now.Add(time.Minute-1)) != (n > 1) || !u.some.Load() {
			t.Errorf("%d: want them remembered until the end", n)
		} else if u.has(other, now.Add(time.Minute)) || u.some.Load() || u.since != nil {
			t.Errorf("%d: got %d, want none remembered after the end", n, len(u.since))
		}
	}
}

// Of two writes of a session that could not be told it is the later one that counts, whichever is noted first.
func TestUntoldLater(t *testing.T) {
	u := untold{until: time.Minute}
	id, now := store.NewID(time.Now()), time.Now()
	u.add([]store.ID{id}, now)
	u.add([]store.ID{id}, now.Add(-2*time.Second))
	u.told(id, now.Add(-time.Second))
	if !u.has(id, now) {
		t.Error("an answer of the database from between the two counts for both")
	}
}

// LoadFresh leaves no older copy, whoever put it there: also where its own cannot be stored.
func TestLoadFreshHeals(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		r := w.create()
		w.warm(r.ID)
		w.ok(w.db.Store.Save(w.Context(), r)) // past the cache: version 2
		w.db.after = func(m string) error {
			w.db.after = nil
			old := record()
			old.ID, old.Version = r.ID, 1 // a late toucher puts version 1 back
			_, ticket, err := w.cache.Cache.Get(w.Context(), r.ID)
			w.ok(err)
			b, err := encode(*w.a.keys.known.Load(), old, time.Now().Add(time.Minute).UnixMicro())
			w.ok(err)
			return w.cache.Cache.Put(w.Context(), r.ID, ticket, b, time.Minute)
		}
		got, err := w.a.LoadFresh(w.Context(), r.ID)
		w.ok(err)
		if got.Version != 2 || w.load(w.b, r.ID).Version != 2 {
			t.Error("an older copy is left")
		}

		w.ok(w.db.Store.Delete(w.Context(), r.ID))
		if _, err := w.a.LoadFresh(w.Context(), r.ID); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("got %v, want ErrNotFound", err)
		}
		w.gone(w.b, r.ID)
	})
}

// With a filler in the way, whose lease LoadFresh does not hold, nothing is filled with what was read before.
func TestLoadFreshBeatsFill(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		r := w.create()
		w.db.after = func(m string) error {
			w.db.after = nil
			w.ok(w.db.Store.Delete(w.Context(), r.ID)) // nobody tells the cache
			if _, err := w.b.LoadFresh(w.Context(), r.ID); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("got %v, want ErrNotFound", err)
			}
			return nil
		}
		w.load(w.a, r.ID)
		w.gone(w.a, r.ID)
	})
}

// It does not rely on its own lease, which somebody may have deleted: a filler that came then must not put back a session
// that LoadFresh did not find.
func TestLoadFreshLosesLease(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		r := w.create()
		var wg sync.WaitGroup
		filling, resume := make(chan struct{}), make(chan struct{})
		w.db.before = func(string) error { // a has its lease, and has not read yet
			w.db.before = nil
			w.ok(w.cache.Cache.Delete(w.Context(), r.ID))
			w.cache.before = func(m string) error {
				if m == "Put" {
					w.cache.before = nil
					close(filling)
					<-resume
				}
				return nil
			}
			wg.Go(func() { w.load(w.b, r.ID) })
			<-filling
			return w.db.Store.Delete(w.Context(), r.ID) // nobody tells the cache
		}
		if _, err := w.a.LoadFresh(w.Context(), r.ID); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("got %v, want ErrNotFound", err)
		}
		close(resume)
		wg.Wait()
		w.gone(w.b, r.ID)
	})
}

// A cache whose clients keep copies of their own makes each removal pending for as long as these last.
func TestLag(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		s, err := New(laggingCache{w.cache}, w.db, Config{})
		w.ok(err)
		for _, method := range []string{"Delete", "DeleteUser"} {
			r := w.create()
			w.warm(r.ID)
			var p *store.PendingError
			if err := w.write(method, s, r); !errors.As(err, &p) || !p.EffectiveBy.Equal(time.Now().Add(5*time.Second)) {
				t.Errorf("%s: got %v, want it pending for 5s", method, err)
			}
			w.cacheFails(errDown, "Delete")
			if err := w.write(method, s, w.create()); !errors.As(err, &p) || !p.EffectiveBy.Equal(time.Now().Add(2*time.Minute+7*time.Second)) {
				t.Errorf("%s that the cache is not told: got %v, want it pending for 2m7s", method, err)
			}
			w.cacheWorks()
			w.ok(s.Delete(w.Context()))
		}
	})
}

type laggingCache struct{ store.Cache }

func (laggingCache) Lag() time.Duration { return 5 * time.Second }

// Many are told in parts; one part that fails does not keep the others from the cache, and an end comes soon if all do.
func TestTellMany(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		for range 1050 {
			w.create()
		}
		calls := 0
		w.cache.before = func(string) error {
			if calls++; calls == 2 {
				return errDown
			}
			return nil
		}
		if err := w.write("DeleteUser", w.a, record()); !errors.As(err, new(*store.PendingError)) || calls != 11 {
			t.Errorf("got %v after %d calls, want a PendingError after 11", err, calls)
		}
		w.cacheFails(errDown, "Delete")
		w.cache.took()
		if err := w.write("DeleteUser", w.a, record()); !errors.As(err, new(*store.PendingError)) {
			t.Errorf("got %v, want a PendingError", err)
		}
		if n := w.cache.took("Delete"); n[0] != maxUntried {
			t.Errorf("got %d calls of a cache that is down, want %d", n[0], maxUntried)
		}
		if s := w.a.Stats(); s.Untold != 100+1050 {
			t.Errorf("got %d untold, want 1150", s.Untold)
		}
	})
}
