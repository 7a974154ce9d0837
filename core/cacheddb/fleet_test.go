package cacheddb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// fleetKey returns a key for tests.
func fleetKey(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }

// side makes a store over the cache and the database of w, as another instance with another configuration has it.
func (w *world) side(c Config) *Store {
	w.Helper()
	c.Logger = slog.New(slog.NewTextHandler(&w.log, nil))
	s, err := New(w.cache, w.db, c)
	w.ok(err)
	return s
}

// TestFleetSteps: RPT-25. In each step of the documented orders, two instances of before and after it run side by side
// over one cache and one database: each reads the copies of the other, and no session is lost, in both directions.
func TestFleetSteps(t *testing.T) {
	a, b := fleetKey('a'), fleetKey('b')
	for order, steps := range map[string][]Config{
		"rotation": {{Keys: [][]byte{a}}, {Keys: [][]byte{a, b}}, {Keys: [][]byte{b, a}}, {Keys: [][]byte{b}}},
		"on and off": {
			{}, {Keys: [][]byte{a}, Plain: PlainWritten}, {Keys: [][]byte{a}, Plain: PlainRead}, {Keys: [][]byte{a}},
		},
	} {
		for i := range len(steps) - 1 {
			t.Run(fmt.Sprintf("%s, step %d", order, i+1), func(t *testing.T) {
				inWorld(t, Config{}, func(t *testing.T, w *world) {
					first, second := w.side(steps[i]), w.side(steps[i+1])
					for _, pair := range [][2]*Store{{first, second}, {second, first}} {
						r := w.create()
						w.load(pair[0], r.ID)
						w.sees(pair[0], r.ID, true)
						w.sees(pair[1], r.ID, true)
						got := w.load(pair[1], r.ID)
						w.save(pair[1], got, "by the other")
						if again := w.load(pair[0], r.ID); string(again.Data) != "by the other" {
							t.Errorf("got %q", again.Data)
						}
						w.sees(pair[0], r.ID, true)
						w.ok(pair[0].Delete(t.Context(), r.ID))
						w.gone(pair[1], r.ID)
						w.gone(pair[0], r.ID)
					}
					if w.log.Len() > 0 {
						t.Errorf("the log says %s", w.log.String())
					}
				})
			})
		}
	}
}

// sees loads, and asserts whether a copy has answered.
func (w *world) sees(s *Store, id store.ID, hit bool) {
	w.Helper()
	before := s.Stats()
	w.load(s, id)
	if got := s.Stats().Hits > before.Hits; got != hit {
		w.Errorf("answered by a copy: %t, want %t: %+v", got, hit, s.Stats())
	}
}

func touchOf(r *store.Record) store.Touch {
	return store.Touch{LastSeen: r.LastSeen.Add(time.Second), ExpiresAt: r.ExpiresAt.Add(time.Second), IP: r.IP, UserAgent: r.UserAgent}
}

// TestFleetJumps: RPT-25. Instances that are more than a step apart cost reads of the database, and nothing else: no
// session is lost, what one has written the other reads, and what one has removed the other refuses.
func TestFleetJumps(t *testing.T) {
	a, b := fleetKey('a'), fleetKey('b')
	for name, two := range map[string][2]Config{
		"another key":       {{Keys: [][]byte{a}}, {Keys: [][]byte{b}}},
		"encrypted at once": {{}, {Keys: [][]byte{a}}},
		"two steps":         {{}, {Keys: [][]byte{a}, Plain: PlainRead}},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, Config{}, func(t *testing.T, w *world) {
				x, y := w.side(two[0]), w.side(two[1])
				for range 3 {
					r := w.create()
					for range 3 {
						for _, s := range []*Store{x, y} {
							got := w.load(s, r.ID)
							w.save(s, got, string(got.Data)+".")
						}
					}
					if got := w.load(x, r.ID); string(got.Data) != "data......" {
						t.Errorf("got %q", got.Data)
					}
					w.ok(x.Delete(t.Context(), r.ID))
					w.gone(y, r.ID)
				}
			})
		})
	}
}

// TestPlainSecrecy: RPT-25. Once new copies are encrypted, none says what is in it, also while others are still read; and
// a copy that was not made by this deployment is none in any step.
func TestPlainSecrecy(t *testing.T) {
	a := fleetKey('a')
	for plain, hidden := range map[Plain]bool{PlainRefused: true, PlainRead: true, PlainWritten: false} {
		inWorld(t, Config{}, func(t *testing.T, w *world) {
			s := w.side(Config{Keys: [][]byte{a}, Plain: plain})
			r := w.create()
			w.load(s, r.ID)
			copy, _, err := w.cache.Get(t.Context(), r.ID)
			w.ok(err)
			if bytes.Contains(copy, []byte("agent")) == hidden {
				t.Errorf("Plain %d: the copy is %q", plain, copy)
			}
			form := newChecked("")
			head, _ := form.room()
			forged, err := encode(form, r, time.Now().Add(time.Minute).UnixMicro())
			w.ok(err)
			for _, b := range [][]byte{forged, append([]byte{authenticatedForm}, forged[head:]...), append([]byte{sealedForm}, forged[head:]...)} {
				w.cache.answer = b
				w.sees(s, r.ID, false)
			}
			w.cache.answer = nil
		})
	}
}

// TestPlainKeyUnknown: RPT-25, FLT-1. While the database does not tell its key, encrypted copies are used where they are
// what is made, and no session is refused.
func TestPlainKeyUnknown(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		s, r := w.side(Config{Keys: [][]byte{fleetKey('a')}, Plain: PlainRead}), w.create()
		w.db.mu.Lock()
		w.db.before = func(method string) error {
			if method == "Key" {
				return errDown
			}
			return nil
		}
		w.db.mu.Unlock()
		w.load(s, r.ID)
		w.sees(s, r.ID, true)
	})
}

// TestPlainConfig: what contradicts itself is refused.
func TestPlainConfig(t *testing.T) {
	w := newWorld(t, Config{})
	keys := [][]byte{fleetKey('a')}
	for want, c := range map[string]Config{
		"no Keys":   {Plain: PlainRead},
		"constants": {Plain: 7, Keys: keys},
		"Plain is":  {Plain: -1, Keys: keys},
	} {
		if _, err := New(w.cache, w.db, c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got %v, want %q", c, err, want)
		}
	}
	if _, err := New(w.cache, struct{ store.Indexed }{w.db}, Config{Keys: keys, Plain: PlainRead}); err == nil || !strings.Contains(err.Error(), "Keeper") {
		t.Errorf("a database without a key: got %v", err)
	}
}

// TestWritesFailed: RPT-6, RPT-34. A cache that answers reads and refuses writes is told of in the log, at once and then
// once a minute with the count, and counted; no request fails, and the breaker leaves reads alone.
func TestWritesFailed(t *testing.T) {
	for name, c := range map[string]struct {
		err   error
		count func(Stats) uint64
	}{
		"read-only": {fmt.Errorf("READONLY: %w", store.ErrUnavailable), func(s Stats) uint64 { return s.FailedPuts }},
		"full":      {fmt.Errorf("no memory: %w", store.ErrTooLarge), func(s Stats) uint64 { return s.TooLarge }},
	} {
		inWorld(t, Config{}, func(t *testing.T, w *world) {
			w.cacheFails(c.err, "Put")
			r := w.create()
			for range 90 {
				w.load(w.a, r.ID)
				w.ok(w.a.Touch(t.Context(), w.load(w.b, r.ID), touchOf(w.load(w.b, r.ID))))
				w.ok(w.a.cache.Delete(t.Context(), r.ID))
				time.Sleep(time.Second)
			}
			s := w.a.Stats()
			if c.count(s) != 90 || s.Open {
				t.Errorf("%s: got %+v, want 90 failures counted, and a breaker that is closed", name, s)
			}
			text := w.log.String()
			if n := strings.Count(text, "does not take copies"); n < 2 || n > 4 || !strings.Contains(text, c.err.Error()) || !strings.Contains(text, "times=") {
				t.Errorf("%s: the log says %s", name, text)
			}
		})
	}
}

// TestNoRoomForLeases: RPT-6. A cache without room for a lease answers that to each Get: that is counted and logged, and no
// outage.
func TestNoRoomForLeases(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		w.cacheFails(fmt.Errorf("no memory: %w", store.ErrTooLarge), "Get")
		r := w.create()
		for range 20 {
			w.load(w.a, r.ID)
		}
		if s := w.a.Stats(); s.TooLarge != 20 || s.Misses != 20 || s.Failed != 0 || s.Open {
			t.Errorf("got %+v", s)
		}
		if n := strings.Count(w.log.String(), "does not take copies"); n != 1 {
			t.Errorf("the log says %s", w.log.String())
		}
	})
}

// TestDeletesFailed: RPT-6. Removals that the cache refuses are pending, counted, and told of in the log.
func TestDeletesFailed(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		r := w.create()
		w.warm(r.ID)
		w.cacheFails(fmt.Errorf("READONLY: %w", store.ErrUnavailable), "Delete")
		var pending *store.PendingError
		if err := w.a.Delete(t.Context(), r.ID); !errors.As(err, &pending) {
			t.Errorf("got %v, want a PendingError", err)
		}
		if s := w.a.Stats(); s.FailedDeletes != 1 || s.Untold != 1 || s.Open {
			t.Errorf("got %+v", s)
		}
		if text := w.log.String(); strings.Count(text, "cannot be told") != 1 || !strings.Contains(text, "READONLY") {
			t.Errorf("the log says %s", text)
		}
	})
}

// TestCallerLeaves: RPT-25. A caller who leaves while a copy is stored is no reason to complain of the cache.
func TestCallerLeaves(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		s := w.side(Config{})
		r := w.create()
		ctx, cancel := context.WithCancel(t.Context())
		w.cache.before = func(method string) error {
			if method == "Put" {
				cancel()
				return context.Canceled
			}
			return nil
		}
		if _, err := s.Load(ctx, r.ID); err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if n := s.Stats().FailedPuts; n != 1 || w.log.Len() > 0 {
			t.Errorf("%d puts have failed, and the log says %q", n, w.log.String())
		}
	})
}
