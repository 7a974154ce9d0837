package adaptertest

import (
	"fmt"
	"strings"

	"github.com/qsessions/qsessions/core/session"
)

func tokenCases() []Case {
	return []Case{
		{Name: "token/login", Why: "A login is answered with a token that opens the session of the user.", run: func(e *env) {
			e.site(session.Config{})
			b := e.browser()
			b.get("/login?user=alice")
			b.want("/get", "user=alice note=")
			e.answered("without a token", e.do("GET", "/get"), 200, "user= note=")
			e.rows("one login", 1)
		}},
		{Name: "token/login-replaces", Why: "A login replaces the token, and keeps what the visitor's session held; the earlier token is dead at once.", run: func(e *env) {
			e.site(session.Config{})
			b := e.browser()
			b.get("/set?note=kept")
			before := *b
			b.get("/login?user=alice")
			if b.token == before.token {
				e.Fatalf("the login is answered without a new token")
			}
			b.want("/get", "user=alice note=kept")
			before.want("/get", "user= note=")
			e.rows("a visitor who signed in", 1)
		}},
		{Name: "token/logout", Why: "A logout ends the session and takes the token back: who kept it has nothing.", run: func(e *env) {
			e.site(session.Config{})
			b := e.user("alice")
			kept := *b
			if b.get("/logout"); b.token != "" {
				e.Fatalf("after the logout the browser still has a token")
			}
			kept.want("/get", "user= note=")
			e.rows("after the logout", 0)
		}},
		{Name: "token/fixation", Why: "A token that nobody was given is never adopted, however well formed it is.", run: func(e *env) {
			e.site(session.Config{})
			planted := e.foreign()
			b := *planted
			b.get("/login?user=alice")
			if b.token == planted.token || b.token[:21] == planted.token[:21] || b.token[22:] == planted.token[22:] {
				e.Fatalf("the login adopts a planted token, or a part of it")
			}
			planted.want("/get", "user= note=")
			b.want("/get", "user=alice note=")
		}},
		{Name: "token/one-place", Why: "A token counts in its own place alone: not in the query, the path, a form, another cookie or another header.", run: func(e *env) {
			e.site(session.Config{})
			b := e.user("alice")
			loads := e.db.count("Load")
			for what, a := range map[string]*answer{
				"query":           e.do("GET", "/get?session="+b.token+"&__Host-session="+b.token+"&session_id="+b.token+"&token="+b.token),
				"another cookie":  e.do("GET", "/get", "Cookie: session="+b.token+"; __host-session="+b.token+"; session_id="+b.token),
				"Authorization":   e.do("GET", "/get", "Authorization: Bearer "+b.token),
				"another header":  e.do("GET", "/get", "X-Session: "+b.token, "Session-Token: "+b.token, "__Host-session: "+b.token),
				"Set-Cookie":      e.do("GET", "/get", "Set-Cookie: "+b.prefix+b.token),
				"two in one":      e.do("GET", "/get", "Cookie: a="+b.prefix+b.token),
				"query and login": e.do("GET", "/get?__Host-session="+b.token, "Cookie: __Host-session="),
			} {
				e.answered("a token in "+what, a, 200, "user= note=")
				e.silent("a token in "+what, a)
			}
			form := "session=" + b.token + "&__Host-session=" + b.token
			a := e.must(request{"POST", "/get", []string{"Content-Type: application/x-www-form-urlencoded"}, form})
			e.answered("a token in a form", a, 200, "user= note=")
			e.silent("a token in a form", a)
			if got := e.db.count("Load"); got != loads {
				e.Fatalf("%d loads for tokens in wrong places", got-loads)
			}
		}},
		{Name: "token/nowhere-else", Why: "A token is in the header that carries it, and in nothing else that a client or a reader of logs can see.", run: (*env).nowhereElse},
		{Name: "token/tampered", Why: "A token with any change opens nothing; the request is an anonymous visitor's, and its cookie is left alone.", run: func(e *env) {
			e.site(session.Config{})
			b := e.browser()
			b.get("/login?user=alice")
			for i := range len(b.token) {
				c := "A"
				if b.token[i] == 'A' {
					c = "B"
				}
				changed := *b
				changed.token = b.token[:i] + c + b.token[i+1:]
				a := changed.want("/get", "user= note=")
				e.silent("a changed token", a)
			}
			b.want("/get", "user=alice note=")
		}},
		{Name: "token/malformed", Why: "What is no token is an anonymous visitor, without a store call, and its cookie is left alone.", run: func(e *env) {
			e.site(session.Config{})
			b := e.user("alice")
			calls := e.db.count()
			for _, value := range []string{
				"", `""`, "   ", b.token[:63], b.token + "A", b.token[:63] + "=", strings.Repeat("!", 64), strings.Repeat("+/", 32), `"` + b.token + `"`,
				"%41" + b.token[3:], "\xff" + b.token[1:], " " + b.token, "\u00e4" + b.token[2:], strings.Repeat("A", 64), strings.Repeat("A", 8<<10), b.token[:32] + " " + b.token[32:],
			} {
				a := e.do("GET", "/get", "Cookie: "+b.prefix+value)
				e.answered("cookie "+value, a, 200, "user= note=")
				e.silent("cookie "+value, a)
			}
			if got := e.db.count(); got != calls {
				e.Fatalf("%d store calls for what is no token", got-calls)
			}
		}},
	}
}

// foreign returns a browser with a well-formed token that the application has not made.
func (e *env) foreign() *browser {
	b := e.browser()
	value, _, _ := strings.Cut(e.golden(login("mallory")).Value, ";")
	b.token = strings.TrimPrefix(value, b.prefix)
	return b
}

// nowhereElse looks for tokens in all that is answered and logged.
func (e *env) nowhereElse() {
	for _, c := range []session.Config{{}, {Header: "Session-Token"}} {
		e.site(c,
			with("/wrong", func(x Exchange, s session.Session) error { wrong.Set(s, nil); return x.Send(200, "wrong") }),
			with("/show", func(x Exchange, s session.Session) error {
				return x.Send(200, fmt.Sprintf("%v %+v %#v", s, s.Info(), s.ID()))
			}),
			on("/error", func(Exchange) error { return errHandler }))
		b := e.browser()
		var tokens []string
		seen := func(path string) {
			a := b.get(path)
			if b.token != "" {
				tokens = append(tokens, b.token)
			}
			a.header.Del(e.responseHeader())
			for _, token := range tokens {
				for what, secret := range map[string]string{"a token": token, "the secret half of a token": token[22:]} {
					if text := fmt.Sprint(a.status, a.header, a.body); strings.Contains(text, secret) {
						e.Fatalf("GET %s: the response shows %s", path, what)
					}
					if strings.Contains(e.log.String(), secret) {
						e.Fatalf("GET %s: the log shows %s", path, what)
					}
				}
			}
		}
		for _, path := range []string{"/set?note=x", "/login?user=alice", "/show", "/get", "/wrong", "/error", "/nowhere", "/login?user=alice", "/logout", "/show"} {
			seen(path)
		}
		e.db.fail(out)
		seen("/get")
	}
}
