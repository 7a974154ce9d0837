package cacheddb

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// FLT-1, FLT-2: a cache that does not answer is left alone after five calls, and tried once a second.
func TestBreaker(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		r := w.create()
		w.warm(r.ID)
		w.cacheFails(errDown, "Get", "Put", "Delete")
		time.Sleep(100 * time.Millisecond) // the last success is as long ago as one call may take
		for range 20 {
			w.load(w.a, r.ID)
		}
		w.took("20 loads", 5, 0, 0, 20, 0)
		if s := w.a.Stats(); !s.Open || s.Failed != 5 || s.Skipped != 15 {
			t.Errorf("got %+v, want it open after 5 failures", s)
		}
		time.Sleep(time.Second)
		for range 20 {
			w.load(w.a, r.ID)
		}
		w.took("a second later", 1, 0, 0, 20, 0)
		w.cacheWorks()
		w.load(w.a, r.ID)
		w.took("back, but not tried yet", 0, 0, 0, 1, 0)
		time.Sleep(time.Second)
		for range 20 {
			w.load(w.a, r.ID)
		}
		w.took("tried", 20, 0, 0, 0, 0)
		log := w.log.String()
		if strings.Count(log, "does not answer") != 1 || strings.Count(log, "answers again") != 1 || !strings.Contains(log, errDown.Error()) {
			t.Errorf("got log %q, want one line each", log)
		}
	})
}

// One server of several that is down does not hide that the others answer, however many calls in a row it gets.
func TestBreakerOfSeveral(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		r := w.create()
		w.warm(r.ID)
		for range 10 {
			w.cacheFails(errDown, "Get")
			for range 50 {
				w.load(w.a, r.ID)
			}
			w.cacheWorks()
			time.Sleep(99 * time.Millisecond)
			w.load(w.a, r.ID)
		}
		if s := w.a.Stats(); s.Skipped != 0 || s.Failed != 500 {
			t.Errorf("got %+v, want no call skipped", s)
		}
	})
}

// Failures count in a row only, and what the caller ended is none.
func TestBreakerCounts(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		r := w.create()
		for range 10 {
			w.cacheFails(errDown, "Get")
			for range 4 {
				time.Sleep(time.Second)
				w.load(w.a, r.ID)
			}
			w.cacheWorks()
			w.load(w.a, r.ID)
		}
		ctx, cancel := context.WithCancel(t.Context())
		w.cache.before = func(string) error { cancel(); return context.Canceled }
		for range 10 {
			if _, err := w.a.Load(ctx, r.ID); err == nil {
				t.Fatal("Load under a context that was canceled: got no error")
			}
			ctx, cancel = context.WithCancel(t.Context())
		}
		cancel()
		if w.a.Stats().Open {
			t.Error("the cache is given up though it answered in between")
		}
	})
}

// A cache that takes longer than callers in a hurry have is not given up: others would not tell it of their writes. One that
// fails them at once is, and so is one that does not answer callers with time.
func TestBreakerImpatient(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		r := w.create()
		w.warm(r.ID)
		r = w.load(w.a, r.ID)
		s, err := New(slowCache{w.cache, 5 * time.Millisecond}, w.db, Config{})
		w.ok(err)
		loads := func(s *Store, left time.Duration) {
			t.Helper()
			time.Sleep(100 * time.Millisecond) // the last success is as long ago as one call may take
			failed := s.Stats().Failed
			for range 10 {
				ctx, cancel := context.WithTimeout(t.Context(), left)
				_, err := s.Load(ctx, r.ID)
				w.ok(err)
				cancel()
			}
			if s.Stats().Failed < failed+5 {
				t.Fatalf("callers with %v: %d failures, want at least 5", left, s.Stats().Failed-failed)
			}
		}
		loads(s, 8*time.Millisecond)
		if s.Stats().Open {
			t.Error("the cache is given up by callers with 8 ms")
		}
		w.save(s, r, "new")
		if got := w.load(w.b, r.ID); string(got.Data) != "new" {
			t.Errorf("another process reads %q after the save of %q", got.Data, "new")
		}

		w.cacheFails(errDown, "Get")
		loads(w.a, 8*time.Millisecond)
		if !w.a.Stats().Open {
			t.Error("a cache that fails at once is not given up by callers with 8 ms")
		}
		if s, err = New(slowCache{w.cache, time.Hour}, w.db, Config{}); err != nil {
			t.Fatal(err)
		}
		loads(s, time.Second)
		if !s.Stats().Open {
			t.Error("a cache that does not answer is not given up by callers with a second")
		}
	})
}

// A slowCache takes its time for Get.
type slowCache struct {
	*faultyCache
	takes time.Duration
}

func (c slowCache) Get(ctx context.Context, id store.ID) ([]byte, store.Ticket, error) {
	select {
	case <-ctx.Done():
		return nil, 0, ctx.Err()
	case <-time.After(c.takes):
		return c.faultyCache.Get(ctx, id)
	}
}

// A call of the cache gets its timeout, and no more than half of what the caller has left.
func TestBounded(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		r := w.create()
		stuck := func(ctx context.Context) { <-ctx.Done() }
		s, err := New(stuckCache{stuck}, w.db, Config{})
		w.ok(err)
		for _, c := range []struct{ left, want time.Duration }{{0, 100 * time.Millisecond}, {time.Second, 100 * time.Millisecond}, {60 * time.Millisecond, 30 * time.Millisecond}} {
			ctx, cancel := t.Context(), func() {}
			if c.left > 0 {
				ctx, cancel = context.WithTimeout(t.Context(), c.left)
			}
			began := time.Now()
			if _, err := s.Load(ctx, r.ID); err != nil {
				t.Errorf("a caller with %v: %v", c.left, err)
			}
			if took := time.Since(began); took != c.want {
				t.Errorf("a caller with %v: took %v, want %v", c.left, took, c.want)
			}
			cancel()
		}
		if s.Stats().Failed != 3 {
			t.Errorf("got %d failures, want 3: the callers had time left", s.Stats().Failed)
		}
	})
}

// Of many calls at once only one tries a cache that was given up.
func TestBreakerTriesOnce(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		var calls atomic.Int32
		s, err := New(stuckCache{func(ctx context.Context) { calls.Add(1); <-ctx.Done() }}, w.db, Config{})
		w.ok(err)
		all := func() {
			var wg sync.WaitGroup
			for range 50 {
				wg.Go(func() { w.gone(s, store.ID{}) })
			}
			wg.Wait()
		}
		all()
		time.Sleep(time.Second)
		calls.Store(0)
		all()
		if n := calls.Load(); n != 1 {
			t.Errorf("got %d calls, want 1", n)
		}
	})
}

// A removal is told to a cache that was given up, too: it may be back.
func TestRemovalTries(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		r := w.create()
		w.warm(r.ID)
		w.cacheFails(errDown, "Get")
		for range 5 {
			w.load(w.a, r.ID)
		}
		w.cacheWorks()
		w.ok(w.a.Delete(w.Context(), r.ID))
		w.gone(w.b, r.ID)
		if w.a.Stats().Open {
			t.Error("the cache has answered and is still given up")
		}
	})
}

// A stuckCache answers when its caller has given up.
type stuckCache struct{ wait func(context.Context) }

func (c stuckCache) Get(ctx context.Context, _ store.ID) ([]byte, store.Ticket, error) {
	c.wait(ctx)
	return nil, 0, ctx.Err()
}

func (c stuckCache) Put(ctx context.Context, _ store.ID, _ store.Ticket, _ []byte, _ time.Duration) error {
	c.wait(ctx)
	return ctx.Err()
}

func (c stuckCache) Delete(ctx context.Context, _ ...store.ID) error {
	c.wait(ctx)
	return ctx.Err()
}
