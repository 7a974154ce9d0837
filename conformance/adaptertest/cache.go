package adaptertest

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/qsessions/qsessions/core/session"
)

func cacheCases() []Case {
	return []Case{
		{Name: "cache/vary", Why: "A response of which the session was looked at has Vary: Cookie, once, whatever its status and method are; another has not.", run: func(e *env) {
			e.eachWay(func(what string, a *answer, want session.Effect) {
				h := http.Header{}
				want.Apply(h)
				if got, want := a.field("Vary"), h.Get("Vary"); got != want {
					e.Fatalf("%s: Vary is %q, want %q", what, got, want)
				}
			})
		}},
		{Name: "cache/no-store", Why: "A response with a token has Cache-Control: no-store, whatever its status and method are; another has none that the application did not set.", run: func(e *env) {
			e.eachWay(func(what string, a *answer, want session.Effect) {
				h := http.Header{}
				want.Apply(h)
				if got, want := a.header["Cache-Control"], h["Cache-Control"]; !slices.Equal(got, want) {
					e.Fatalf("%s: Cache-Control is %q, want %q", what, got, want)
				}
			})
		}},
		{Name: "cache/own-vary", Why: "A Vary of the application stays, and names nothing twice.", run: func(e *env) {
			e.site(session.Config{}, with("/vary", func(x Exchange, s session.Session) error {
				x.SetHeader("Vary", x.Query("vary"))
				note.Set(s, "kept")
				return x.Send(200, "vary")
			}))
			for _, had := range []string{"Accept", "Accept,%20cookie", "COOKIE", "*", "Accept-Language,Origin"} {
				e.cached("Vary "+had, e.do("GET", "/vary?vary="+had), e.golden(set("kept")), http.Header{"Vary": {strings.ReplaceAll(had, "%20", " ")}})
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
				e.cached("a token and "+had, e.do("GET", "/control/new?control="+had), e.golden(set("kept")), own)
				e.cached("no token and "+had, e.do("GET", "/control/seen?control="+had), e.golden(nothing), own)
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

// cached ends the case unless the header of a says what want asks for, where the application has set own.
func (e *env) cached(what string, a *answer, want session.Effect, own http.Header) {
	h := maps.Clone(own)
	want.Apply(h)
	for _, name := range []string{"Vary", "Cache-Control"} {
		if got, want := a.field(name), strings.Join(h[name], ", "); got != want {
			e.Fatalf("%s: %s is %q, want %q", what, name, got, want)
		}
	}
}
