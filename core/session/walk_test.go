package session

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/core/memory"
)

// A history is a random one of one honest browser, whose answers arrive in the order in which they are stored.
type history struct {
	t     *testing.T
	m     *Manager
	rnd   *rand.Rand
	b     *browser
	trace []string
}

func newHistory(t *testing.T, seed uint64) *history {
	w := &history{t: t, rnd: rand.New(rand.NewPCG(seed, 7))}
	w.m = newManager(t, new(memory.Store), Config{
		Policy:  Policy{RotateEvery: 4 * time.Minute},
		Observe: func(_ context.Context, e Event) { w.note("event %v", e.Kind) },
	})
	w.b = newBrowser(t, w.m)
	return w
}

func (w *history) note(format string, args ...any) {
	w.trace = append(w.trace, fmt.Sprintf(format, args...))
}

// fail reports the end of the history.
func (w *history) fail(format string, args ...any) {
	w.t.Helper()
	w.t.Errorf("%s, after %q", fmt.Sprintf(format, args...), w.trace[max(0, len(w.trace)-20):])
}

// TestHonestBrowser: ATK-3, RPT-21, SEC-32. A browser with parallel requests, of whose answers with a new token no two in a row
// are lost, is never signed out, and none of its requests fails.
func TestHonestBrowser(t *testing.T) {
	for seed := range uint64(200) {
		synctest.Test(t, func(t *testing.T) {
			w := newHistory(t, seed)
			w.b.do(func(s Session) { s.Login("alice", Remember()) })
			lost := false
			before := w.b.old()
			for range 60 {
				time.Sleep(w.seconds(300))
				shown := w.b.old()
				sent := make([]*browser, 1+w.rnd.IntN(4))
				arrived := make([]*request, len(sent))
				for i := range sent {
					if sent[i] = w.b.old(); w.rnd.IntN(2) == 0 {
						arrived[i] = sent[i].start()
					}
				}
				for _, i := range w.rnd.Perm(len(sent)) {
					time.Sleep(w.seconds(10))
					r := arrived[i]
					if r == nil {
						r = sent[i].start() // it was under way for long
					}
					if r.s.User() != "alice" {
						w.fail("seed %d: signed out", seed)
						return
					}
					if w.rnd.IntN(3) == 0 {
						visits.Update(r.s, increment)
					}
					e, err := r.end()
					switch w.note("end %q %v", e.Name, err); {
					case err != nil:
						w.fail("seed %d: %v", seed, err)
						return
					case e.Name == "":
					case !lost && w.rnd.IntN(2) == 0:
						lost = true
					default:
						w.b.cookie, lost = r.b.cookie, false
					}
				}
				slow := before.start() // it was sent before these ones, and fails
				if w.m.Close(slow.ctx); slow.s.User() != "alice" {
					w.fail("seed %d: a slow request is signed out", seed)
					return
				}
				before = shown
			}
		})
	}
}

func (w *history) seconds(n int) time.Duration { return time.Duration(w.rnd.IntN(n)) * time.Second }

// TestBrowserThatSignsIn: RPT-21, RPT-22, ATK-3. A browser whose parallel requests also sign in, re-authenticate, rotate and ask
// the database is never signed out, and its requests fail with ErrReplaced alone.
func TestBrowserThatSignsIn(t *testing.T) {
	for seed := range uint64(300) {
		synctest.Test(t, func(t *testing.T) {
			w := newHistory(t, seed)
			w.b.do(func(s Session) { color.Set(s, "red") })
			var open []*request
			signed := false
			for range 40 {
				time.Sleep(w.seconds(100))
				if len(open) == 0 || len(open) < 3 && w.rnd.IntN(2) == 0 {
					r := w.b.old().start()
					if w.note("start %q", r.s.User()); signed && len(open) == 0 && r.s.User() != "alice" {
						w.fail("seed %d: signed out", seed)
						open = append(open, r)
						break
					}
					open = append(open, r)
					continue
				}
				i := w.rnd.IntN(len(open))
				r := open[i]
				done, login := w.step(r)
				if !done {
					continue
				}
				e, err := r.end()
				if w.note("end %q %v", e.Name, err); err != nil && !errors.Is(err, ErrReplaced) {
					w.fail("seed %d: %v", seed, err)
				}
				if e.Name != "" {
					w.b.cookie = r.b.cookie
				}
				signed = signed || login && err == nil
				open = append(open[:i], open[i+1:]...)
			}
			for _, r := range open {
				w.m.Close(r.ctx)
			}
		})
	}
}

// step does something in r. It is done if r is to end.
func (w *history) step(r *request) (done, login bool) {
	n := w.rnd.IntN(8)
	w.note("step %d", n)
	switch n {
	case 0:
		r.s.Login("alice", Remember())
		return true, true
	case 1:
		if r.s.User() != "" {
			r.s.Reauthenticate()
		}
	case 2:
		visits.Update(r.s, increment)
	case 3:
		if r.s.User() != "" { // an anonymous session that is given a new token competes with the login's for the cookie
			r.s.Rotate()
		}
	case 4:
		w.note("%v", r.s.Save(r.ctx))
		return false, false
	case 5:
		_, err := w.m.Require(r.ctx, Requirement{Level: 1})
		w.note("%v", err)
		return false, false
	}
	return true, false
}
