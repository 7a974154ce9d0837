package session

import (
	"testing"

	"github.com/qsessions/qsessions/core/memory"
)

// TestFirstRequests: RPT-28. Requests of a browser without a cookie that set something at the same time begin a session each,
// as documented; those that only read begin none, and after one that has been answered all are of one session.
func TestFirstRequests(t *testing.T) {
	t.Parallel()
	m := newManager(t, new(memory.Store), Config{})
	count := func() (n int) {
		for _, err := range m.Find(t.Context(), Query{}) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		return n
	}
	at := func(b *browser, f func(s Session)) {
		var all []*request
		for range 6 {
			all = append(all, b.old().start())
		}
		for _, r := range all {
			f(r.s)
			if _, err := r.end(); err != nil {
				t.Fatal(err)
			}
			if r.b.cookie != "" {
				b.cookie = r.b.cookie // the last one wins
			}
		}
	}
	add := func(s Session) { visits.Update(s, func(n int) int { return n + 1 }) }
	b := newBrowser(t, m)
	at(b, func(s Session) { _ = visits.Get(s) })
	if n := count(); n != 0 || b.cookie != "" {
		t.Errorf("requests that only read have made %d sessions", n)
	}
	b.do(add) // the page
	at(b, add)
	b.do(func(s Session) {
		if n := count(); n != 1 || visits.Get(s) != 7 {
			t.Errorf("after a page that was answered: %d sessions, %d visits", n, visits.Get(s))
		}
	})
	c := newBrowser(t, m)
	at(c, add)
	c.do(func(s Session) {
		if n := count(); n != 7 || visits.Get(s) != 1 {
			t.Errorf("at once: %d sessions, %d visits", n, visits.Get(s))
		}
	})
}
