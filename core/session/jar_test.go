package session

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// cookies is a browser's cookie store: it keeps a cookie for each name, domain, path and jar, the partitioned one and the
// other, drops those that are over, and shows all of them to one host, as Chromium does to a page of the site itself.
type cookies struct {
	t     testing.TB
	held  []held // the earliest first
	newer bool   // it shows the latest first
}

type held struct {
	name, domain, path string
	partitioned        bool
	value              string
	ends               time.Time // zero: with the browser
}

func (h held) same(o held) bool {
	return h.name == o.name && h.domain == o.domain && h.path == o.path && h.partitioned == o.partitioned
}

// line returns the Cookie header of a request, or none.
func (c *cookies) line() []string {
	c.held = slices.DeleteFunc(c.held, func(h held) bool { return !h.ends.IsZero() && !time.Now().Before(h.ends) })
	var all []string
	for _, h := range c.held {
		all = append(all, h.name+"="+h.value)
	}
	if c.newer {
		slices.Reverse(all)
	}
	if len(all) == 0 {
		return nil
	}
	return []string{strings.Join(all, "; ")}
}

// take applies a response.
func (c *cookies) take(h http.Header) {
	c.t.Helper()
	for _, line := range h["Set-Cookie"] {
		s, err := http.ParseSetCookie(line)
		if err != nil {
			c.t.Fatalf("%q: %v", line, err)
		}
		if strings.HasPrefix(s.Name, "__Host-") && (s.Domain != "" || s.Path != "/" || !s.Secure) {
			c.t.Errorf("a browser drops %q", line)
			continue
		}
		n := held{name: s.Name, domain: s.Domain, path: s.Path, partitioned: s.Partitioned, value: s.Value}
		if s.MaxAge > 0 {
			n.ends = time.Now().Add(time.Duration(s.MaxAge) * time.Second)
		}
		switch i := slices.IndexFunc(c.held, n.same); {
		case s.MaxAge < 0 && i >= 0:
			c.held = slices.Delete(c.held, i, i+1)
		case s.MaxAge < 0:
		case i >= 0:
			c.held[i] = n
		default:
			c.held = append(c.held, n)
		}
	}
}

// old returns a browser with the same cookies.
func (c *cookies) old() *cookies {
	n := *c
	n.held = slices.Clone(c.held)
	return &n
}

// String shows which cookies there are, and the end of each token.
func (c *cookies) String() string {
	var all []string
	for _, h := range c.held {
		all = append(all, fmt.Sprintf("%s(domain %q, path %s, partitioned %t)=…%s", h.name, h.domain, h.path, h.partitioned, h.value[max(0, len(h.value)-4):]))
	}
	return fmt.Sprint(all)
}

// An exchange is one request of such a browser.
type exchange struct {
	c   *cookies
	m   *Manager
	ctx context.Context
	s   Session
}

// start sends the cookies.
func (c *cookies) start(m *Manager) *exchange {
	c.t.Helper()
	ctx, _ := m.Start(c.t.Context(), Client{}, c.line()...)
	s, err := m.From(ctx)
	if err != nil {
		c.t.Fatal(err)
	}
	return &exchange{c, m, ctx, s}
}

// end returns the response, which the browser has not got yet.
func (x *exchange) end() http.Header {
	x.c.t.Helper()
	e, err := x.m.Finish(x.ctx)
	if err != nil {
		x.c.t.Fatal(err)
	}
	x.m.Close(x.ctx)
	h := http.Header{}
	e.Apply(h)
	return h
}

// do is a request that is answered at once; it returns the response.
func (c *cookies) do(m *Manager, f func(Session)) http.Header {
	c.t.Helper()
	x := c.start(m)
	f(x.s)
	h := x.end()
	c.take(h)
	return h
}

// user returns who is signed in.
func (c *cookies) user(m *Manager) (user string) {
	c.t.Helper()
	c.do(m, func(s Session) { user = s.User() })
	return user
}

// quiet makes requests, and fails if more than one response has a cookie, or another one than the first.
func (c *cookies) quiet(m *Manager, what, user string) {
	c.t.Helper()
	for i := range 5 {
		var got string
		h := c.do(m, func(s Session) { got = s.User() })
		if got != user {
			c.t.Errorf("%s: request %d: user %q, want %q; %v", what, i+1, got, user, c)
		}
		if n := len(h["Set-Cookie"]); n > 0 && i > 0 {
			c.t.Errorf("%s: request %d: %d cookies are set again: %v", what, i+1, n, c)
		}
	}
}

func logsIn(user string) func(Session) { return func(s Session) { s.Login(user) } }

func nothing(Session) {}
