package session

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/core/memory"
)

// TestKeySteps: RPT-25. At each step of the documented orders two instances, one from before the step and one from after it,
// read and change every value that the other has written, new and old; and in the end all is written in the new way.
func TestKeySteps(t *testing.T) {
	old, key := newKey(), newKey()
	day := 24 * time.Hour
	none := Config{}
	both := Config{Keys: [][]byte{key}, ReadPlaintext: true}
	written := both
	written.WritePlaintext = true
	on := Config{Keys: [][]byte{key}}
	type step struct {
		c    Config
		wait time.Duration // before it
	}
	for name, c := range map[string]struct {
		begin Config
		steps []step
	}{
		"rotation": {Config{Keys: [][]byte{old}}, []step{{Config{Keys: [][]byte{old, key}}, 0}, {Config{Keys: [][]byte{key, old}}, 0}, {on, 31 * day}}},
		"on":       {none, []step{{written, 0}, {both, 0}, {on, 31 * day}}},
		"off":      {on, []step{{both, 0}, {written, 0}, {none, 31 * day}}},
	} {
		synctest.Test(t, func(t *testing.T) {
			db := new(memory.Store)
			m := newManager(t, db, c.begin)
			var all []*browser
			begin := func() { // one that changes with each step, one that is only read
				for range 2 {
					b := newBrowser(t, m)
					b.do(func(s Session) { s.Login("alice", Remember()); visits.Set(s, 1); color.Set(s, "red") })
					all = append(all, b)
				}
			}
			begin()
			for i, st := range c.steps {
				if st.wait > 0 { // all that was stored before the last step is over, unless it was prolonged since
					for range 5 {
						time.Sleep(st.wait / 5)
						for _, b := range all {
							b.m = m // all instances have taken the last step
							b.do(func(s Session) { s.Reauthenticate() })
						}
					}
				}
				before, after := m, newManager(t, db, st.c)
				begin()
				for range 2 {
					for _, m = range []*Manager{after, before} {
						begin()
						for n, b := range all {
							b.m = m
							err := b.attempt(func(s Session) {
								if visits.Get(s) < 1 || color.Get(s) != "red" {
									t.Errorf("%s, step %d: the values of session %d are not read", name, i+1, n)
								}
								if n%2 == 0 {
									visits.Update(s, func(n int) int { return n + 1 })
								}
							})
							if err != nil {
								t.Errorf("%s, step %d: %v", name, i+1, err)
							}
						}
					}
				}
				m = after
			}
			for _, b := range all {
				b.m = m
				b.do(func(s Session) { color.Set(s, "red") })
				r, err := db.Load(t.Context(), b.id())
				if err != nil || strings.Contains(string(r.Data), "red") == (name != "off") {
					t.Errorf("%s: %v, or it is stored in the old way", name, err)
				}
			}
		})
	}
}

// TestKeysOutOfOrder: RPT-25. The orders that are not documented are those in which an instance meets values that it cannot
// read: a change fails, and nothing is lost.
func TestKeysOutOfOrder(t *testing.T) {
	t.Parallel()
	a, b := newKey(), newKey()
	for i, c := range [][2]Config{
		{{Keys: [][]byte{a}}, {Keys: [][]byte{b, a}}},
		{{}, {Keys: [][]byte{a}, ReadPlaintext: true}},
	} {
		db := new(memory.Store)
		before, after := newManager(t, db, c[0]), newManager(t, db, c[1])
		v := newBrowser(t, after)
		v.do(func(s Session) { visits.Set(s, 1) })
		v.m = before
		if err := v.attempt(func(s Session) { visits.Set(s, 2) }); err == nil || !strings.Contains(fmt.Sprint(err), ErrCorrupt.Error()) {
			t.Errorf("%d: got %v", i, err)
		}
		v.m = after
		v.do(func(s Session) {
			if visits.Get(s) != 1 {
				t.Errorf("%d: the value is lost", i)
			}
		})
	}
}

// attempt is do for a request that may fail.
func (b *browser) attempt(f func(s Session)) error {
	b.t.Helper()
	r := b.start()
	f(r.s)
	_, err := r.end()
	return err
}
