package cacheddb

import (
	"errors"
	"testing"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// A copy counts from when the database was asked, not from when it answered, and its end is looked at when it is there.
func TestSlowAnswers(t *testing.T) {
	for _, method := range []string{"Load", "Save", "Touch"} {
		inWorld(t, Config{}, func(t *testing.T, w *world) {
			r := w.create()
			if method != "Load" {
				w.warm(r.ID)
				r = w.load(w.a, r.ID)
			}
			w.db.after = func(string) error { time.Sleep(4 * time.Second); return nil } // a lease is longer
			if method == "Load" {
				w.load(w.a, r.ID)
			} else {
				w.ok(w.write(method, w.a, r))
			}
			w.db.after = nil
			w.cache.took()
			w.db.took()
			time.Sleep(2*time.Minute - 4*time.Second - 50*time.Millisecond)
			w.load(w.b, r.ID)
			w.took(method+", then a hit", 1, 0, 0, 0, 0)
			w.cache.after = func(string) error { time.Sleep(90 * time.Millisecond); return nil }
			w.load(w.b, r.ID)
			w.took(method+", then a copy that ends on its way", 1, 1, 0, 1, 0)
		})
	}
}

// A cache is told to keep no copy longer than it can be used.
func TestTimeToLive(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		r := w.create()
		w.warm(r.ID)
		time.Sleep(2*time.Minute + 2*time.Second - 1)
		if b, _, err := w.cache.Cache.Get(w.Context(), r.ID); b == nil || err != nil {
			t.Errorf("before the end: got %x, %v, want the copy", b, err)
		}
		time.Sleep(time.Nanosecond)
		if b, _, err := w.cache.Cache.Get(w.Context(), r.ID); b != nil || err != nil {
			t.Errorf("after the end: got %x, %v, want none", b, err)
		}
	})
}

// EffectiveBy counts from the database's answer, however long that took and the cache takes.
func TestEffectiveBy(t *testing.T) {
	for _, method := range []string{"Delete", "DeleteUser"} {
		inWorld(t, Config{}, func(t *testing.T, w *world) {
			r := w.create()
			began := time.Now()
			w.db.after = func(string) error { time.Sleep(5 * time.Second); return nil }
			w.cache.before = func(string) error { time.Sleep(80 * time.Millisecond); return errDown }
			err := w.write(method, w.a, r)
			var p *store.PendingError
			if !errors.As(err, &p) || !p.EffectiveBy.Equal(began.Add(5*time.Second+2*time.Minute+2*time.Second)) {
				t.Errorf("%s: got %v, want it pending from the database's answer", method, err)
			}
		})
	}
}

// After an error DeleteUser names what it has removed, and the cache is told of that.
func TestDeleteUserInPart(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		r := w.create()
		w.warm(r.ID)
		w.db.after = func(string) error { return store.ErrUnavailable }
		if err := w.write("DeleteUser", w.a, r); !errors.Is(err, store.ErrUnavailable) {
			t.Fatalf("got %v, want ErrUnavailable", err)
		}
		w.db.after = nil
		w.gone(w.b, r.ID)
	})
}

// A write that could not be told while another is being told is not told by that.
func TestUntoldMeanwhile(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		r := w.create()
		w.a.untold.add([]store.ID{r.ID}, time.Now())
		w.cache.before = func(string) error {
			time.Sleep(time.Millisecond)
			w.a.untold.add([]store.ID{r.ID}, time.Now())
			return nil
		}
		w.save(w.a, r, "new")
		if !w.a.untold.has(r.ID, time.Now()) {
			t.Error("what came later is taken for told")
		}
	})
}
