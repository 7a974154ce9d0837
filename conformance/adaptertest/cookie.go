package adaptertest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/qsessions/qsessions/core/session"
)

func cookieCases() []Case {
	return []Case{
		{Name: "cookie/bytes", Why: "Set-Cookie is what the manager asks for, byte for byte, with every attribute of every configuration.", run: (*env).cookieBytes},
		{Name: "cookie/once", Why: "A response has one cookie of a session, the last one, whatever happened in its request.", run: func(e *env) {
			e.site(session.Config{}, with("/twice", func(x Exchange, s session.Session) error {
				note.Set(s, "kept")
				if err := s.Save(x.Context()); err != nil {
					return err
				}
				s.Login("alice")
				return x.Send(200, "twice")
			}))
			b := e.browser()
			e.once("Save and Login", b.get("/twice"))
			b.want("/get", "user=alice note=kept")
		}},
		{Name: "cookie/own-cookies", Why: "Cookies of the application stay as they are.", run: func(e *env) {
			const theme, cart = "theme=dark; Path=/", "cart=1; Path=/shop; HttpOnly"
			e.site(session.Config{}, with("/theme", func(x Exchange, s session.Session) error {
				x.AddHeader("Set-Cookie", theme)
				x.AddHeader("Set-Cookie", cart)
				s.Login("alice")
				return x.Send(200, "dark")
			}))
			b := e.browser()
			lines := b.get("/theme").header["Set-Cookie"]
			if !slices.Contains(lines, theme) || !slices.Contains(lines, cart) || b.token == "" {
				e.Fatalf("Set-Cookie is %q, want %q, %q and a token", masked(lines), theme, cart)
			}
			b.want("/get", "user=alice note=")
		}},
		{Name: "cookie/lines", Why: "A request may have several lines of Cookie: all are read.", run: func(e *env) {
			e.site(session.Config{})
			b := e.user("alice")
			e.answered("the second line", e.do("GET", "/get", "Cookie: a=b", b.line()), 200, "user=alice note=")
			e.answered("the third line", e.do("GET", "/get", "Cookie: a=b", "Accept: */*", "Cookie: c=d; e=f", b.line()+"; g=h"), 200, "user=alice note=")
		}},
		{Name: "cookie/odd-neighbors", Why: "What else is in Cookie does not matter, whatever it looks like.", run: func(e *env) {
			e.site(session.Config{})
			b := e.user("alice")
			for _, other := range []string{"a", "=", "a=", "=b", ";;;", `a="b c, d"`, "a=b,c=d", "a=\xff\xfe", "\u00fc=\u00e4", "a b=c d", `a="`, "__Host-session", "__Host-session=x", "x__Host-session=y", "a=b=c", "{}=[]"} {
				pair := b.prefix + b.token
				for what, line := range map[string]string{"before": other + "; " + pair, "behind": pair + "; " + other, "around": other + ";" + pair + ";" + other} {
					e.answered(fmt.Sprintf("%q %s the token", other, what), e.do("GET", "/get", "Cookie: "+line), 200, "user=alice note=")
				}
			}
		}},
		{Name: "cookie/tossing", Why: "Of several cookies of one name eight are looked at, and of the live ones the user who signed in last counts; three or more cost one call that finds those which are there.", run: (*env).tossing},
		{Name: "cookie/many", Why: "Beyond 3000 cookies nothing is read: the request is an anonymous visitor's, without a store call, and its cookie is left alone.", run: func(e *env) {
			e.site(session.Config{})
			b := e.user("alice")
			a := e.do("GET", "/get", "Cookie: "+strings.Repeat("a=b; ", 2999)+b.prefix+b.token)
			e.answered("3000 cookies", a, 200, "user=alice note=")
			calls := e.db.count()
			a = e.do("GET", "/get", "Cookie: "+strings.Repeat("a=b; ", 3000)+b.prefix+b.token)
			e.answered("3001 cookies", a, 200, "user= note=")
			e.silent("3001 cookies", a)
			if got := e.db.count(); got != calls {
				e.Fatalf("3001 cookies cost %d store calls", got-calls)
			}
		}},
		{Name: "cookie/large", Why: "A token is found among other cookies and headers of 48 KiB.", run: func(e *env) {
			e.site(session.Config{})
			b := e.user("alice")
			a := e.do("GET", "/get", "X-Large: "+strings.Repeat("x", 16<<10), "Cookie: a="+strings.Repeat("A", 32<<10)+"; "+b.prefix+b.token)
			e.answered("48 KiB", a, 200, "user=alice note=")
		}},
		{Name: "cookie/stale", Why: "A token that opens nothing any more takes no cookie away: a newer login may have set it.", run: func(e *env) {
			e.site(session.Config{})
			b := e.user("alice")
			stale := *b
			b.get("/login?user=alice")
			for _, path := range []string{"/get", "/logout", "/unseen"} {
				e.silent("GET "+path+" with the token of before a login", stale.get(path))
			}
			b.want("/get", "user=alice note=")
		}},
	}
}

// cookieBytes compares the cookies of a login, a remembered one and a logout.
func (e *env) cookieBytes() {
	remember := func(s session.Session) { s.Login("alice", session.Remember()) }
	for _, c := range []session.Cookie{
		{}, {SameSite: session.SameSiteStrict}, {SameSite: session.SameSiteNone, Partitioned: true}, {Name: "sid"}, {Name: "__Secure-sid", Domain: "example.org"},
		{Name: "__Secure-sid", Path: "/app"}, {Name: "sid", Insecure: true}, {Name: "sid", Path: "/a path, with=signs"},
	} {
		e.site(session.Config{Cookie: c, Policy: session.Policy{RememberLifetime: 31 * 24 * time.Hour}},
			with("/remember", func(x Exchange, s session.Session) error { remember(s); return x.Send(200, "remembered") }))
		b := e.browser()
		e.tells("a login", b.get("/login?user=alice"), e.golden(login("alice")))
		e.tells("a logout", b.get("/logout"), e.goldenEnd())
		e.tells("a remembered login", b.get("/remember"), e.golden(remember))
	}
}

// tossing sends cookies of one name.
func (e *env) tossing() {
	e.site(session.Config{Cookie: session.Cookie{Name: "sid"}})
	alice := e.holder(func(s session.Session) { s.Login("alice", session.AuthenticatedAt(time.Now().Add(-time.Minute))) })
	visitor, bob := e.holder(set("kept")), e.user("bob")
	var dead []*browser
	for range 8 {
		dead = append(dead, e.foreign())
	}
	for _, c := range []struct {
		what         string
		lines        []string
		user         string
		loads, lists int
	}{
		{"two live ones", []string{line(alice, bob)}, "bob", 2, 0},
		{"two live ones in the other order", []string{line(bob, alice)}, "bob", 2, 0},
		{"two live ones in two lines", []string{line(bob), line(alice)}, "bob", 2, 0},
		{"a visitor's before", []string{line(visitor, alice)}, "alice", 2, 0},
		{"a dead one before", []string{line(dead[0], alice)}, "alice", 2, 0},
		{"a dead one in a line before", []string{line(dead[0]), line(alice)}, "alice", 2, 0},
		{"malformed ones before", []string{"Cookie: sid=x; sid=; sid=y; sid=z; " + alice.prefix + alice.token}, "alice", 1, 0},
		{"the same dead one many times before", []string{line(dead[0], dead[0], dead[0], dead[0], alice)}, "alice", 2, 0},
		{"two dead ones before", []string{line(dead[0], dead[1], alice)}, "alice", 1, 1},
		{"seven dead ones before", []string{line(append(slices.Clone(dead[:7]), alice)...)}, "alice", 1, 1},
		{"eight dead ones before", []string{line(append(slices.Clone(dead), alice)...)}, "", 0, 1},
	} {
		loads, lists := e.db.count("Load"), e.db.count("List")
		a := e.do("GET", "/get", c.lines...)
		e.answered(c.what, a, 200, "user="+c.user+" note=")
		e.silent(c.what, a)
		if loads, lists := e.db.count("Load")-loads, e.db.count("List")-lists; loads != c.loads || lists != c.lists {
			e.Fatalf("%s: %d loads and %d lists, want %d and %d", c.what, loads, lists, c.loads, c.lists)
		}
	}
}

// line is the request header of one browser that holds the cookies of several.
func line(all ...*browser) string {
	pairs := make([]string, len(all))
	for i, b := range all {
		pairs[i] = b.prefix + b.token
	}
	return "Cookie: " + strings.Join(pairs, "; ")
}
