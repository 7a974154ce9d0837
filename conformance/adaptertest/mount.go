package adaptertest

import (
	"fmt"

	"github.com/qsessions/qsessions/core/session"
)

func mountCases() []Case {
	return []Case{
		{Name: "mount/twice", Why: "Middleware that is mounted twice works once: one session, one cookie, one load, one write.", run: func(e *env) {
			m := e.manager(session.Config{})
			e.serve(App{Managers: []*session.Manager{m, m}, Routes: usual()})
			e.mountedOnce()
		}},
		{Name: "mount/inner", Why: "Middleware that is mounted around everything, and again around a route, works once.", run: func(e *env) {
			m := e.manager(session.Config{})
			routes := usual()
			for i := range routes {
				routes[i].Managers = []*session.Manager{m}
			}
			e.serve(App{Managers: []*session.Manager{m}, Routes: routes})
			e.mountedOnce()
		}},
		{Name: "mount/route", Why: "Middleware that is mounted around some routes gives those their sessions.", run: func(e *env) {
			m := e.manager(session.Config{})
			routes := usual()
			for i := range routes {
				routes[i].Managers = []*session.Manager{m}
			}
			e.serve(App{Routes: routes})
			e.mountedOnce()
		}},
		{Name: "mount/two", Why: "Two managers side by side each have their session and their cookie, whichever is outside.", run: (*env).two},
		{Name: "mount/two-failed", Why: "Where one of two managers cannot commit the answer is an error page, and not the handler's.", run: (*env).twoFailed},
	}
}

// mountedOnce ends the case unless a change and a look cost what they cost with middleware that is mounted once.
func (e *env) mountedOnce() {
	b := e.browser()
	a := b.get("/set?note=once")
	e.once("a change", a)
	if got := a.header["Vary"]; len(got) > 1 {
		e.Fatalf("a change: Vary has %d lines", len(got))
	}
	if got := e.db.count(); got != 1 {
		e.Fatalf("a visitor's first change costs %d store calls, want 1", got)
	}
	a = b.want("/get", "user= note=once")
	e.silent("a look", a)
	if got := e.db.count(); got != 2 {
		e.Fatalf("a look costs %d store calls, want 1", got-1)
	}
	b.get("/set?note=twice")
	b.want("/get", "user= note=twice")
	if got := e.db.count("Save"); got != 1 {
		e.Fatalf("a change costs %d writes, want 1", got)
	}
}

// pair is an application with two managers: of customers, and of staff.
func (e *env) pair(staffOutside bool) (customers, staff *browser) {
	c := e.manager(session.Config{})
	customers = e.browser()
	s := e.manager(session.Config{Cookie: session.Cookie{Name: "__Host-staff", SameSite: session.SameSiteStrict}})
	staff = e.browser()
	both := func(f func(x Exchange, c, s session.Session)) func(Exchange) error {
		return func(x Exchange) error {
			cs, err := c.From(x.Context())
			if err != nil {
				return err
			}
			ss, err := s.From(x.Context())
			if err != nil {
				return err
			}
			inner, err := session.From(x.Context())
			if err != nil {
				return err
			}
			f(x, cs, ss)
			return x.Send(200, fmt.Sprintf("%s %s inner=%s", cs.User(), ss.User(), inner.User()))
		}
	}
	managers := []*session.Manager{c, s}
	if staffOutside {
		managers = []*session.Manager{s, c}
	}
	e.serve(App{Managers: managers, Routes: []Route{
		on("/both", both(func(x Exchange, c, s session.Session) {
			if user := x.Query("customer"); user != "" {
				c.Login(user)
			}
			if user := x.Query("staff"); user != "" {
				s.Login(user)
			}
		})),
		on("/staff/logout", both(func(_ Exchange, _, s session.Session) { s.Logout() })),
		on("/wrong/customer", both(func(_ Exchange, c, s session.Session) { wrong.Set(c, nil); note.Set(s, "staff") })),
		on("/wrong/staff", both(func(_ Exchange, c, s session.Session) { note.Set(c, "customer"); wrong.Set(s, nil) })),
	}})
	return customers, staff
}

func (e *env) two() {
	for _, staffOutside := range []bool{false, true} {
		customers, staff := e.pair(staffOutside)
		inner := "root"
		if staffOutside {
			inner = "alice"
		}
		a := e.do("GET", "/both?customer=alice&staff=root")
		e.answered("two logins", a, 200, "alice root inner="+inner)
		if n := len(a.header["Set-Cookie"]); n != 2 {
			e.Fatalf("two logins are answered with %d cookies", n)
		}
		if got := a.header["Vary"]; len(got) > 1 {
			e.Fatalf("two logins: Vary has %d lines", len(got))
		}
		customers.take(a)
		staff.take(a)
		line := func() string {
			return "Cookie: " + customers.prefix + customers.token + "; " + staff.prefix + staff.token
		}
		e.answered("two tokens", e.do("GET", "/both", line()), 200, "alice root inner="+inner)
		e.answered("the customer's token", e.do("GET", "/both", customers.line()), 200, "alice  inner="+map[bool]string{true: "alice"}[staffOutside])
		a = e.do("GET", "/staff/logout", line())
		if n := len(a.header["Set-Cookie"]); n != 1 {
			e.Fatalf("a logout of one is answered with %d cookies, want 1", n)
		}
		customers.take(a)
		staff.take(a)
		if customers.token == "" || staff.token != "" {
			e.Fatalf("a logout of one takes back the wrong cookie")
		}
		e.answered("the customer's token, after the logout", e.do("GET", "/both", customers.line()), 200, "alice  inner="+map[bool]string{true: "alice"}[staffOutside])
	}
}

func (e *env) twoFailed() {
	for _, staffOutside := range []bool{false, true} {
		e.pair(staffOutside)
		for _, path := range []string{"/wrong/customer", "/wrong/staff"} {
			a := e.do("GET", path)
			if a.status != 500 {
				e.Fatalf("GET %s: got %d %.100q, want 500", path, a.status, a.body)
			}
			e.hides("GET "+path, a, "inner=")
		}
	}
}
