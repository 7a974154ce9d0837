package cacheddb

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/store"
)

// TestNewWantsKey: ATK-1. A database that keeps no key, or that hides it, is refused: never are copies taken on trust because
// something was forgotten.
func TestNewWantsKey(t *testing.T) {
	t.Parallel()
	db := new(memory.Store)
	hidden := struct{ store.Indexed }{db}
	for _, k := range []struct {
		name string
		db   store.Indexed
		c    Config
		want string // in the error; "": none
	}{
		{"a keeper", db, Config{}, ""},
		{"hidden", hidden, Config{}, "store.Keeper"},
		{"hidden, and a namespace", hidden, Config{Namespace: "a"}, "store.Keeper"},
		{"hidden, and no keys", hidden, Config{Keys: [][]byte{}}, "store.Keeper"},
		{"hidden, with keys", hidden, Config{Keys: [][]byte{key(1)}}, ""},
		{"hidden, told", hidden, Config{Unauthenticated: true}, ""},
		{"a keeper, told", db, Config{Unauthenticated: true}, ""},
		{"both", db, Config{Keys: [][]byte{key(1)}, Unauthenticated: true}, "contradict"},
		{"a short key", db, Config{Keys: [][]byte{key(1)[:31]}}, "31 bytes"},
		{"a key twice", db, Config{Keys: [][]byte{key(1), key(1)}}, "twice"},
	} {
		_, err := New(new(memory.Cache), k.db, k.c)
		if k.want == "" && err != nil || k.want != "" && (err == nil || !strings.Contains(err.Error(), k.want)) {
			t.Errorf("%s: got error %v, want %q", k.name, err, k.want)
		}
	}
}

// keys counts the questions for the key, and may answer them otherwise.
type keys struct {
	*faultyDB
	asked  atomic.Int64
	before func(ctx context.Context) error
	key    []byte // instead
}

func (k *keys) Key(ctx context.Context, name string) ([]byte, error) {
	k.asked.Add(1)
	if k.before != nil {
		if err := k.before(ctx); err != nil {
			return nil, err
		}
	}
	if k.key != nil {
		return k.key, nil
	}
	return k.faultyDB.Key(ctx, name)
}

func (k *keys) wants(t *testing.T, what string, n int64) {
	t.Helper()
	if got := k.asked.Swap(0); got != n {
		t.Errorf("%s: got %d questions for the key, want %d", what, got, n)
	}
}

// inKeyed is inWorld where the questions for the key are counted. The processes have asked nothing yet.
func inKeyed(t *testing.T, f func(*testing.T, *world, *keys)) {
	t.Helper()
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		k := &keys{faultyDB: w.db}
		for _, s := range []**Store{&w.a, &w.b} {
			var err error
			*s, err = New(w.cache, k, w.a.cfg)
			w.ok(err)
		}
		f(t, w, k)
	})
}

// The key is asked for once by each process, when it is needed and not by New, and again each five minutes.
func TestKeyIsAskedOnce(t *testing.T) {
	inKeyed(t, func(t *testing.T, w *world, k *keys) {
		r := w.create()
		k.wants(t, "New and Create", 0)
		for range 10 {
			w.load(w.a, r.ID)
		}
		k.wants(t, "ten loads", 1)
		w.load(w.b, r.ID)
		k.wants(t, "another process", 1)
		if w.b.Stats().Hits != 1 {
			t.Error("a process does not use another one's copy")
		}
		time.Sleep(keyLife - time.Second)
		w.load(w.a, r.ID)
		w.load(w.a, r.ID)
		k.wants(t, "before five minutes", 0)
		time.Sleep(time.Second)
		w.load(w.a, r.ID)
		w.load(w.a, r.ID)
		k.wants(t, "after five minutes", 1)
	})
}

// TestKeyUnknown: ATK-1. While the database does not tell the key there are no copies: none is used, not even one without a
// key, and none is made. It is asked once a second, by one caller; the others wait for none.
func TestKeyUnknown(t *testing.T) {
	inKeyed(t, func(t *testing.T, w *world, k *keys) {
		r := w.create()
		w.load(w.b, r.ID) // the genuine copy
		k.wants(t, "b", 1)
		k.before = func(context.Context) error { return store.ErrUnavailable }
		for range 10 {
			w.load(w.a, r.ID)
		}
		w.load(w.a, w.create().ID)
		k.wants(t, "the first second", 1)
		if s := w.a.Stats(); s.Hits != 0 || s.Stored != 0 || s.Skipped == 0 {
			t.Errorf("without a key: got %+v, want no copy used or made", s)
		}
		for _, form := range []form{newChecked(""), withKey("", make([]byte, 32)), withKeys("", make([]byte, 32))} {
			forged := r.Clone()
			forged.User = "admin"
			w.cache.answer, _ = encode(form, forged, time.Now().Add(time.Minute).UnixMicro())
			if got := w.load(w.a, r.ID); got.User != "ann" {
				t.Errorf("without a key a forged copy is used: got the user %q", got.User)
			}
		}
		w.cache.answer = nil
		time.Sleep(time.Second)
		w.load(w.a, r.ID)
		w.load(w.a, r.ID)
		k.wants(t, "the next second", 1)
		for name, bad := range map[string][]byte{"no": {}, "short": key(1)[:16], "long": make([]byte, 33)} {
			k.before, k.key = nil, bad
			time.Sleep(time.Second)
			w.load(w.a, r.ID)
			k.wants(t, name+" key", 1)
			if s := w.a.Stats(); s.Hits != 0 || s.Stored != 0 {
				t.Errorf("a %s key is used: got %+v", name, s)
			}
		}
		if n := strings.Count(w.log.String(), "does not tell the key"); n != 1 {
			t.Errorf("it is logged %d times, want once", n)
		}
		k.key = nil
		time.Sleep(time.Second)
		w.load(w.a, r.ID)
		if w.a.Stats().Hits != 1 {
			t.Error("the key is known, and the copy is not used")
		}
	})
}

// A revocation is told to the cache whether the key is known or not.
func TestKeyUnknownRevocation(t *testing.T) {
	inKeyed(t, func(t *testing.T, w *world, k *keys) {
		r := w.create()
		w.load(w.b, r.ID)
		k.before = func(context.Context) error { return store.ErrUnavailable }
		w.ok(w.a.Delete(w.Context(), r.ID))
		w.gone(w.b, r.ID)
		w.gone(w.a, r.ID)
	})
}

// One caller asks for the key, for two seconds at most and half of its time; the others go on without copies.
func TestKeyStuck(t *testing.T) {
	inKeyed(t, func(t *testing.T, w *world, k *keys) {
		k.before = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		var waited atomic.Int64
		var wg sync.WaitGroup
		began := time.Now()
		for range 50 {
			id := w.create().ID
			wg.Go(func() {
				w.load(w.a, id)
				waited.Add(int64(time.Since(began)))
			})
		}
		wg.Wait()
		k.wants(t, "50 at once", 1)
		if got := time.Duration(waited.Load()); got != keyTimeout {
			t.Errorf("50 callers have waited %v together, want %v for one of them", got, keyTimeout)
		}
		time.Sleep(keyRetry)
		ctx, cancel := context.WithTimeout(w.Context(), 100*time.Millisecond)
		defer cancel()
		began = time.Now()
		if _, err := w.a.Load(ctx, w.create().ID); err != nil || time.Since(began) != 50*time.Millisecond {
			t.Errorf("a caller with 100 ms: got %v after %v, want no error after half of it", err, time.Since(began))
		}
	})
}

// The end of a copy counts when the key is there, however long that took.
func TestKeySlow(t *testing.T) {
	inKeyed(t, func(t *testing.T, w *world, k *keys) {
		r := w.create()
		w.load(w.b, r.ID)
		k.before = func(context.Context) error { time.Sleep(time.Second); return nil }
		time.Sleep(2*time.Minute - time.Second/2)
		w.load(w.a, r.ID)
		if s := w.a.Stats(); s.Hits != 0 || s.Stale != 1 {
			t.Errorf("got %+v, want the copy too old when the key is there", s)
		}
	})
}

// A key that is known stays known while the database is out: fresh copies go on to answer.
func TestKeyStays(t *testing.T) {
	inKeyed(t, func(t *testing.T, w *world, k *keys) {
		r := w.create()
		time.Sleep(4 * time.Minute)
		w.load(w.a, r.ID)
		w.load(w.a, r.ID)
		time.Sleep(keyLife - time.Minute)
		w.load(w.a, r.ID) // a fresh copy
		k.asked.Store(0)
		k.before = func(context.Context) error { return store.ErrUnavailable }
		w.db.before = func(string) error { return store.ErrUnavailable }
		time.Sleep(time.Minute)
		for range 20 {
			w.load(w.a, r.ID)
			time.Sleep(time.Second)
		}
		k.wants(t, "twenty seconds of an outage", 2)
	})
}

// TestRotation: ATK-1. When the key is replaced, a process that meets a copy with another key than its own takes it for none,
// and learns the new key; one that meets none learns it within five minutes. Copies with the old key are then none.
func TestRotation(t *testing.T) {
	inKeyed(t, func(t *testing.T, w *world, k *keys) {
		r, old := w.create(), w.create()
		for _, s := range []*Store{w.a, w.b} {
			w.load(s, r.ID)
			w.load(s, old.ID)
		}
		k.wants(t, "two processes", 2)
		time.Sleep(keyInterval)
		w.ok(w.db.RotateKey(w.Context(), KeyName))
		c, err := New(w.cache, k, w.a.cfg)
		w.ok(err)
		if got := w.load(c, r.ID); got.User != r.User {
			t.Errorf("got the user %q", got.User)
		}
		k.wants(t, "a process that starts after it", 1)
		if s := c.Stats(); s.Bad != 1 || s.Hits != 0 || s.Stored != 1 {
			t.Errorf("got %+v, want the old copy refused and replaced", s)
		}
		w.load(w.a, r.ID)
		k.wants(t, "a process that meets a new copy", 1)
		hits := w.a.Stats().Hits
		w.load(w.a, r.ID)
		if w.a.Stats().Hits != hits+1 {
			t.Error("the process has not learned the new key")
		}
		time.Sleep(keyLife - keyInterval)
		stolen, err := encode(*w.b.keys.known.Load(), old, time.Now().Add(time.Minute).UnixMicro()) // with the old key
		w.ok(err)
		w.cache.answer = stolen
		for _, s := range []*Store{w.a, w.b, c} {
			before := s.Stats().Hits
			if w.load(s, old.ID); s.Stats().Hits != before {
				t.Error("a copy with the old key is used five minutes after the rotation")
			}
		}
		if strings.Count(w.log.String(), "has a new key") != 2 {
			t.Errorf("got log %q, want a line of each process that had the old key", w.log.String())
		}
	})
}

// Anyone who writes copies with the names of other keys costs loads, and a question for the key each ten seconds.
func TestForeignKeysFlood(t *testing.T) {
	inKeyed(t, func(t *testing.T, w *world, k *keys) {
		r := w.create()
		w.warm(r.ID)
		k.wants(t, "the first", 1)
		for i := range byte(200) {
			w.cache.answer, _ = encode(withKey("", key(i)), r, time.Now().Add(time.Minute).UnixMicro())
			w.load(w.a, r.ID)
			time.Sleep(100 * time.Millisecond)
		}
		if n := k.asked.Swap(0); n < 1 || n > 2 {
			t.Errorf("twenty seconds: got %d questions for the key, want one each ten", n)
		}
		w.cache.answer = bytes.Repeat([]byte{9}, 100)
		time.Sleep(keyInterval)
		w.load(w.a, r.ID)
		k.asked.Store(0)
		for range 200 {
			time.Sleep(100 * time.Millisecond)
			w.cache.answer = bytes.Repeat([]byte{9}, 100)
			w.load(w.a, r.ID)
		}
		k.wants(t, "what has no form", 0)
	})
}

// The form is safe for concurrent use.
func TestFormConcurrently(t *testing.T) {
	t.Parallel()
	f, r := withKey("a", key(1)), record()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range int64(500) {
				b, err := encode(f, r, i)
				if _, at, ok := decode(f, r.ID, b); err != nil || !ok || at != i {
					t.Errorf("got %d, %t, %v, want %d", at, ok, err, i)
					return
				}
			}
		})
	}
	wg.Wait()
}
