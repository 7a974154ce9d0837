package adaptertest

import (
	"maps"
	"net/http"
	"strings"

	"github.com/qsessions/qsessions/core/session"
)

func cacheCases() []Case {
	return []Case{
		{Name: "cache/vary", Why: "A response of which the session was looked at has Vary: Cookie, once, whatever its status and method are; another has not.", run: func(e *env) {
			e.eachWay(func(what string, a *answer, want session.Effect) {
				e.cached(what, a, "Vary", want, http.Header{})
			})
		}},
		{Name: "cache/no-store", Why: "A response with a token has Cache-Control: no-store, whatever its status and method are; another one to a visitor has none that the application did not set.", run: func(e *env) {
			e.eachWay(func(what string, a *answer, want session.Effect) {
				want.Name = "" // as far as there is a token: that there is one is not the business of this case
				if lines := a.header["Set-Cookie"]; len(lines) > 0 {
					want.Name, want.Value = "Set-Cookie", lines[0]
				}
				e.cached(what, a, "Cache-Control", want, http.Header{})
			})
		}},
		{Name: "cache/own-vary", Why: "A Vary of the application stays, and names nothing twice.", run: func(e *env) {
			e.site(session.Config{}, with("/vary", func(x Exchange, s session.Session) error {
				x.SetHeader("Vary", x.Query("vary"))
				note.Set(s, "kept")
				return x.Send(200, "vary")
			}))
			for _, had := range []string{"Accept", "Accept,%20cookie", "COOKIE", "*", "Accept-Language,Origin"} {
				e.cached("Vary "+had, e.do("GET", "/vary?vary="+had), "Vary", e.golden(set("kept")), http.Header{"Vary": {strings.ReplaceAll(had, "%20", " ")}})
			}
		}},
		{Name: "cache/own-control", Why: "A Cache-Control of the application gives way to no-store where there is a token, unless it says so itself, and stays where there is none.", run: func(e *env) {
			control := func(f func(session.Session)) func(Exchange, session.Session) error {
				return func(x Exchange, s session.Session) error {
					x.SetHeader("Cache-Control", x.Query("control"))
					f(s)
					return x.Send(200, "control")
				}
			}
			e.site(session.Config{}, with("/control/seen", control(nothing)), with("/control/new", control(set("kept"))))
			for _, had := range []string{"public,max-age=600", "private,no-store", "no-cache"} {
				own := http.Header{"Cache-Control": {had}}
				e.cached("a token and "+had, e.do("GET", "/control/new?control="+had), "Cache-Control", e.golden(set("kept")), own)
				e.cached("no token and "+had, e.do("GET", "/control/seen?control="+had), "Cache-Control", e.golden(nothing), own)
			}
		}},
		{Name: "cache/signed-in", Why: "A response that depends on a signed-in user has Cache-Control: private, no-cache, whatever its status and method are: no shared cache keeps it, and a browser asks before it shows it again. One that does not look at its session has none.", run: func(e *env) {
			e.eachUser(session.Config{}, "private, no-cache")
		}},
		{Name: "cache/signed-in-no-store", Why: "With Config.NoStore a response that depends on a signed-in user has Cache-Control: no-store, so that Back after a sign-out asks the server.", run: func(e *env) {
			e.eachUser(session.Config{NoStore: true}, "no-store")
		}},
		{Name: "cache/signed-in-own", Why: "A response to a signed-in user keeps the Cache-Control that the application has set, with Config.NoStore too.", run: func(e *env) {
			for _, c := range []session.Config{{}, {NoStore: true}} {
				e.site(c, with("/control", func(x Exchange, _ session.Session) error {
					x.SetHeader("Cache-Control", x.Query("control"))
					return x.Send(200, "control")
				}))
				b := e.user("alice")
				for _, had := range []string{"private,max-age=60", "no-store", "no-cache", "private,no-cache", "public,max-age=600"} {
					if got := b.get("/control?control=" + had).field("Cache-Control"); got != had {
						e.Fatalf("Cache-Control %q of the application became %q", had, got)
					}
				}
			}
		}},
	}
}

// eachWay calls f for each way of answering, on routes that do not look at their session, that do, and that change it.
func (e *env) eachWay(f func(what string, a *answer, want session.Effect)) {
	for _, w := range ways() {
		if w.needs&e.config.Lacks != 0 {
			continue
		}
		e.site(session.Config{}, w.routes()...)
		f(w.name+", unseen", e.do(w.method, "/way/unseen"), session.Effect{})
		f(w.name+", seen", e.do(w.method, "/way/seen"), e.golden(nothing))
		f(w.name+", with a token", e.do(w.method, "/way/new"), e.golden(set("kept")))
	}
}

// eachUser ends the case unless the responses to a signed-in user have the Cache-Control, however they are made.
func (e *env) eachUser(c session.Config, want string) {
	all := append(ways(), way{name: "failure", method: "GET", answer: func(x Exchange) error { return x.Send(500, "failed") }})
	for _, w := range all {
		if w.needs&e.config.Lacks != 0 {
			continue
		}
		e.site(c, w.routes()...)
		b := e.user("alice")
		for path, want := range map[string]string{"/way/unseen": "", "/way/seen": want, "/way/new": want} {
			if got := b.do(w.method, path).field("Cache-Control"); got != want {
				e.Fatalf("%s, %s: Cache-Control is %q, want %q", w.name, path, got, want)
			}
		}
	}
}

// cached ends the case unless the named list in the header of a is what want asks for, where the application has set own.
func (e *env) cached(what string, a *answer, name string, want session.Effect, own http.Header) {
	h := maps.Clone(own)
	want.Apply(h)
	if got, want := a.field(name), strings.Join(h[name], ", "); got != want {
		e.Fatalf("%s: %s is %q, want %q", what, name, got, want)
	}
}
