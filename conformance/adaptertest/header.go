package adaptertest

import (
	"net/http"
	"slices"

	"github.com/qsessions/qsessions/core/session"
)

func headerCases() []Case {
	config := session.Config{Header: "session-token"}
	const name = "Session-Token"
	return []Case{
		{Name: "header/carries", Why: "With Config.Header the token comes and goes in that header, and no cookie does.", run: func(e *env) {
			e.site(config)
			b := e.browser()
			a := b.get("/login?user=alice")
			e.tells("a login", a, e.golden(login("alice")))
			if a.header["Set-Cookie"] != nil || len(b.token) != 64 {
				e.Fatalf("a login: got %d cookies and a token of %d bytes", len(a.header["Set-Cookie"]), len(b.token))
			}
			for _, value := range []string{b.token, "Bearer " + b.token, "bearer " + b.token} {
				a := e.do("GET", "/get", name+": "+value)
				e.answered("the token in "+name, a, 200, "user=alice note=")
				e.silent("the token in "+name, a)
			}
			e.answered("the name in lower case", e.do("GET", "/get", "session-token: "+b.token), 200, "user=alice note=")
		}},
		{Name: "header/ends", Why: "With Config.Header an empty value tells that the session has ended.", run: func(e *env) {
			e.site(config)
			b := e.user("alice")
			kept := *b
			a := b.get("/logout")
			if got := a.header[name]; !slices.Equal(got, []string{""}) {
				e.Fatalf("a logout: %s is %q, want one empty line", name, got)
			}
			kept.want("/get", "user= note=")
		}},
		{Name: "header/one-place", Why: "With Config.Header a cookie is not looked at, and a token that nobody was given is not adopted.", run: func(e *env) {
			e.site(config)
			b := e.user("alice")
			for what, line := range map[string]string{
				"a cookie": "Cookie: __Host-session=" + b.token + "; session=" + b.token + "; " + name + "=" + b.token, "Authorization": "Authorization: Bearer " + b.token,
				"another header": "X-Session-Token: " + b.token,
			} {
				e.answered("the token in "+what, e.do("GET", "/get", line), 200, "user= note=")
			}
			e.answered("the token in the query", e.do("GET", "/get?session-token="+b.token+"&"+name+"="+b.token), 200, "user= note=")
			planted := e.foreign()
			fixed := *planted
			fixed.get("/login?user=alice")
			if fixed.token[:21] == planted.token[:21] || fixed.token[22:] == planted.token[22:] {
				e.Fatalf("the login adopts a planted token, or a part of it")
			}
		}},
		{Name: "header/cache", Why: "With Config.Header the response varies by that header, and one with a token is not stored.", run: func(e *env) {
			e.site(config)
			b := e.browser()
			for _, c := range []struct {
				path string
				want session.Effect
			}{{"/unseen", session.Effect{}}, {"/get", e.golden(nothing)}, {"/login?user=alice", e.golden(login("alice"))}} {
				a := b.get(c.path)
				e.cached("GET "+c.path, a, "Vary", c.want, http.Header{})
				e.cached("GET "+c.path, a, "Cache-Control", c.want, http.Header{})
			}
		}},
	}
}
