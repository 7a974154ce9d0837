package session

import (
	"bytes"
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// TestCookieAttributes: SEC-20, SEC-24. The whole header for every kind of configuration, of a token that lives as long
// as the browser, of a remembered one, and of the end.
func TestCookieAttributes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, before, after string }{
		{"default", "__Host-session=T; Path=/", "; HttpOnly; Secure; SameSite=Lax"},
		{"strict", "__Host-session=T; Path=/", "; HttpOnly; Secure; SameSite=Strict"},
		{"none", "__Host-session=T; Path=/", "; HttpOnly; Secure; SameSite=None"},
		{"partitioned", "__Host-session=T; Path=/", "; HttpOnly; Secure; SameSite=None; Partitioned"},
		{"domain", "__Secure-session=T; Path=/; Domain=example.com", "; HttpOnly; Secure; SameSite=Lax"},
		{"path", "__Secure-session=T; Path=/app", "; HttpOnly; Secure; SameSite=Lax"},
		{"named", "sid=T; Path=/", "; HttpOnly; Secure; SameSite=Lax"},
		{"insecure", "session=T; Path=/", "; HttpOnly; SameSite=Lax"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := map[string]Cookie{
				"strict": {SameSite: SameSiteStrict}, "none": {SameSite: SameSiteNone},
				"partitioned": {SameSite: SameSiteNone, Partitioned: true}, "domain": {Domain: "example.com"},
				"path": {Path: "/app"}, "named": {Name: "sid"}, "insecure": {Insecure: true},
			}[test.name]
			v := visitor{t: t, m: manager(t, new(spy), Config{Cookie: c})}
			want := func(what string, e Effect, token, age string) {
				t.Helper()
				value := strings.Replace(test.before, "T", token, 1) + age + test.after
				if e.Name != "Set-Cookie" || e.Value != value || e.Vary != "Cookie" {
					t.Errorf("%s: got %+v\nwant Set-Cookie: %s", what, e, value)
				}
			}
			e := v.do(func(s Session) { s.Login("alice") })
			want("login", e, v.token, "")
			if parsed, err := http.ParseSetCookie(e.Value); err != nil || parsed.Value != v.token || !parsed.HttpOnly || parsed.Secure == c.Insecure {
				t.Errorf("net/http reads %+v, %v", parsed, err)
			}
			e = v.do(func(s Session) { s.Login("alice", Remember()) })
			want("remembered login", e, v.token, "; Max-Age=2592000")
			want("logout", v.do(func(s Session) { s.Logout() }), "", "; Max-Age=0")
		})
	}
}

// TestCookieSize: SEC-24. Name and value keep far from the 4096 bytes that browsers allow.
func TestCookieSize(t *testing.T) {
	t.Parallel()
	name := strings.Repeat("n", 128)
	c, err := Cookie{Name: name, Domain: strings.Repeat("d", 255)}.withDefaults("Cookie")
	if err != nil {
		t.Fatal(err)
	}
	pair, _, _ := strings.Cut(c.header(strings.Repeat("T", tokenLen), 0), ";")
	if len(pair) > 4096 || pair != name+"="+strings.Repeat("T", tokenLen) {
		t.Errorf("name and value have %d bytes: %q", len(pair), pair)
	}
	if _, err := (Cookie{Name: name + "n"}).withDefaults("Cookie"); err == nil {
		t.Error("a name of 129 bytes is accepted")
	}
}

// TestCookieConfig: SEC-21, SEC-22, SEC-24, BAD-10. New refuses every cookie that browsers would drop without a word, and
// whatever could write a header of its own.
func TestCookieConfig(t *testing.T) {
	t.Parallel()
	bad := map[string]Cookie{
		"SEC-21 none without secure":        {SameSite: SameSiteNone, Insecure: true},
		"SEC-21 unknown SameSite":           {SameSite: SameSiteNone + 1},
		"SEC-21 partitioned without secure": {Partitioned: true, Insecure: true},
		"SEC-22 host with domain":           {Name: "__Host-id", Domain: "example.com"},
		"SEC-22 host with path":             {Name: "__Host-id", Path: "/app"},
		"SEC-22 host without secure":        {Name: "__Host-id", Insecure: true},
		"SEC-22 host in lower case":         {Name: "__host-id", Domain: "example.com"},
		"SEC-22 host in upper case":         {Name: "__HOST-id", Path: "/app"},
		"SEC-22 secure without secure":      {Name: "__Secure-id", Insecure: true},
		"SEC-22 secure in lower case":       {Name: "__secure-id", Insecure: true},
		"BAD-10 relative path":              {Path: "app"},
		"BAD-10 long path":                  {Path: "/" + strings.Repeat("p", 1024)},
		"BAD-10 long domain":                {Domain: strings.Repeat("d", 256)},
		"BAD-10 long name":                  {Name: strings.Repeat("n", 300)},
		"BAD-10 domain with path":           {Domain: "example.com/app"},
		"BAD-10 domain with port":           {Domain: "example.com:80"},
		"BAD-10 two domains":                {Domain: "a.example,b.example"},
		"BAD-10 domain with space":          {Domain: "a b"},
	}
	for _, s := range []string{"\r\n", "\n", "\r", ";", "\x00", "\x7f", "é", "\xff", "\t"} {
		bad["BAD-10 name with "+s] = Cookie{Name: "a" + s + "b"}
		bad["BAD-10 path with "+s] = Cookie{Path: "/a" + s + "b"}
		bad["BAD-10 domain with "+s] = Cookie{Domain: "a" + s + "b"}
	}
	for _, s := range []string{" ", "=", ",", `"`, "(", ")", "[", "]", "{", "}", "@", ":", "<", ">", "?", "/", `\`} {
		bad["BAD-10 name with "+s] = Cookie{Name: "a" + s + "b"}
	}
	for name, c := range bad {
		if m, err := New(new(spy), Config{Cookie: c}); err == nil || m != nil {
			t.Errorf("%s: New accepts %+v", name, c)
		}
	}
	for _, c := range []Cookie{
		{Name: "__Host-id"}, {Name: "__Secure-id", Domain: "example.com"}, {Name: "__Secure-id", Path: "/a b"},
		{Name: "a!#$%&'*+-.^_`|~9"}, {Domain: ".example.com"}, {SameSite: SameSiteNone}, {Partitioned: true},
		{Name: "id", Insecure: true, Path: "/x", Domain: "localhost"},
	} {
		if _, err := New(new(spy), Config{Cookie: c}); err != nil {
			t.Errorf("New refuses %+v: %v", c, err)
		}
	}
}

// TestCookieInsecureWarns: SEC-20.
func TestCookieInsecureWarns(t *testing.T) {
	t.Parallel()
	for insecure, want := range map[bool]int{true: 1, false: 0} {
		var log bytes.Buffer
		manager(t, new(spy), Config{Cookie: Cookie{Insecure: insecure}, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		if got := strings.Count(log.String(), "level=WARN"); got != want {
			t.Errorf("Insecure %t: %d warnings, want %d: %s", insecure, got, want, log.String())
		}
	}
}

// TestCookieMalformed: SEC-31, BAD-1, BAD-2, BAD-5. A cookie that is no token makes an anonymous visitor, without a call
// of the store, an answer to the client, an event or a line of log.
func TestCookieMalformed(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	st := new(spy)
	m := manager(t, st, Config{
		Logger:  slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Observe: func(_ context.Context, e Event) { t.Errorf("event %v", e.Kind) },
	})
	good := freshToken()
	check := func(lines ...string) {
		ctx, _ := m.Start(t.Context(), Client{}, lines...)
		s, err := From(ctx)
		if err != nil || s.User() != "" || !s.ID().IsZero() {
			t.Fatalf("%.100q: got a session that is not empty, or %v", lines, err)
		}
		if e, err := m.Commit(ctx); err != nil || e != (Effect{Vary: "Cookie"}) {
			t.Fatalf("%.100q: commit: %+v, %v", lines, e, err)
		}
		m.Close(ctx)
	}
	check()
	check("")
	for _, bad := range malformed(good) {
		check("__Host-session=" + bad)
		check("a=b; __Host-session=" + bad + "; c=d")
	}
	for _, line := range []string{
		good, "=" + good, "__Host-session", "__Host-session;" + good, "__Host-session =" + good, "__host-session=" + good,
		"session=" + good, "x__Host-session=" + good, "__Host-session==" + good, "__Host-session=" + good + " ",
		`__Host-session="` + good + `"`, "__Host-session= " + good, "a=__Host-session=" + good, "Bearer " + good,
		strings.Repeat("a", 1<<20) + "; __Host-session=" + good, strings.Repeat(";", 8<<10),
		strings.Repeat("a=b; ", 3000) + "__Host-session=" + good,
	} {
		check(line)
	}
	// 200,000, every tenth of them in a request: a million take too long under the race detector.
	r := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, 0, 100)
	for i := range 200_000 {
		b = append(b[:0], good...)
		switch i % 4 {
		case 0: // one byte that is not of the alphabet
			b[r.IntN(len(b))] = "+/=. \"%,\x00\xff\n\r\x7f"[r.IntN(13)]
		case 1: // another length
			if b = b[:r.IntN(64)]; r.IntN(2) == 0 {
				b = append(append(b, good...), 'A')
			}
		case 2: // any bytes
			for j := range b {
				b[j] = byte(r.Uint32())
			}
			b[0] = '!'
		case 3: // the zero ID
			copy(b, strings.Repeat("A", 22))
			b[22+r.IntN(42)] = 'B'
			copy(b[21:], "A")
		}
		if _, ok := parseToken(string(b)); ok {
			t.Fatalf("%q is a token", b)
		}
		if i%10 == 0 {
			check("__Host-session=" + string(b))
		}
	}
	if n := st.count(); n != 0 || log.Len() != 0 {
		t.Errorf("%d store calls, log %q; want none", n, log.String())
	}
}

// TestCookieTossing: BAD-3, ATK-16. Of several cookies of one name up to eight different tokens count, whatever the name is;
// more than two are looked up in one call, so that dead ones cost no call each.
func TestCookieTossing(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		cookie Cookie
		before int // unknown tokens in front
		want   string
		calls  int
	}{
		{Cookie{Name: "id"}, 0, "alice", 1},
		{Cookie{Name: "id"}, 1, "alice", 2},
		{Cookie{Name: "id"}, 2, "alice", 2},
		{Cookie{Name: "id"}, 7, "alice", 2},
		{Cookie{Name: "id"}, 8, "", 1},
		{Cookie{}, 0, "alice", 1},
		{Cookie{}, 1, "alice", 2},
		{Cookie{}, 7, "alice", 2},
	} {
		st := new(spy)
		m := manager(t, st, Config{Cookie: test.cookie})
		v := visitor{t: t, m: m}
		v.do(func(s Session) { s.Login("alice") })
		var lines []string
		name := m.cfg.Cookie.Name
		for range test.before {
			junk := freshToken()
			lines = append(lines, name+"="+junk+";"+name+"="+junk+"; "+name+"=junk") // the same one twice counts once
		}
		lines = append(lines, "a=b;\t"+name+"="+v.token)
		before := st.count()
		ctx, _ := m.Start(t.Context(), Client{}, lines...)
		s, err := From(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if calls := st.count() - before; s.User() != test.want || calls != test.calls {
			t.Errorf("%s behind %d others: user %q after %d loads, want %q after %d", name, test.before, s.User(), calls, test.want, test.calls)
		}
	}
}

// TestOneTransport: SEC-27, SEC-31, CVE-31, BAD-9. A token counts in the one place that is configured, and nowhere else.
func TestOneTransport(t *testing.T) {
	t.Parallel()
	byCookie, byHeader := new(spy), new(spy)
	c, h := manager(t, byCookie, Config{}), manager(t, byHeader, Config{Header: "x-session"})
	if got := c.RequestHeader() + " " + h.RequestHeader(); got != "Cookie X-Session" {
		t.Errorf("request headers: got %s, want Cookie X-Session", got)
	}
	v, w := visitor{t: t, m: c}, visitor{t: t, m: h}
	v.do(func(s Session) { s.Login("alice") })
	e := w.do(func(s Session) { s.Login("alice") })
	if e.Name != "X-Session" || e.Value != w.token || e.Vary != "X-Session" || len(w.token) != tokenLen {
		t.Errorf("header transport: effect %q with %d bytes, Vary %q", e.Name, len(e.Value), e.Vary)
	}
	user := func(m *Manager, lines ...string) string {
		ctx, _ := m.Start(t.Context(), Client{}, lines...)
		defer m.Close(ctx)
		s, err := From(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return s.User()
	}
	for _, line := range []string{v.token, "Bearer " + v.token, "token=" + v.token, "?__Host-session=" + v.token} {
		if u := user(c, line); u != "" {
			t.Errorf("cookie transport: %.12q… is accepted", line)
		}
	}
	for _, line := range []string{w.token, "Bearer " + w.token, "bearer " + w.token} {
		if u := user(h, line); u != "alice" {
			t.Errorf("header transport: %.12q… is not accepted", line)
		}
	}
	for _, lines := range [][]string{
		{"__Host-session=" + w.token}, {"X-Session=" + w.token}, {"Bearer  " + w.token}, {"Basic " + w.token},
		{"Bearer " + w.token + ","}, {"Bearer"}, {"Bearer "}, {"", w.token}, {w.token + ", " + w.token},
	} {
		if u := user(h, lines...); u != "" {
			t.Errorf("header transport: %.18q… is accepted", lines)
		}
	}
	before := byHeader.count()
	for _, bad := range malformed(freshToken()) {
		if u := user(h, bad); u != "" {
			t.Errorf("header transport: %.18q… is accepted", bad)
		}
	}
	if n := byHeader.count() - before; n != 0 {
		t.Errorf("header transport: %d store calls for malformed tokens, want none", n)
	}
	if e := w.do(func(s Session) { s.Logout() }); e.Name != "X-Session" || e.Value != "" {
		t.Errorf("logout: effect %+v, want an empty X-Session", e)
	}
}

// TestCandidatesAllocations: CVE-41, BAD-5. However large and odd the header is, nothing is allocated for it.
func TestCandidatesAllocations(t *testing.T) {
	good := freshToken()
	cookies := []Cookie{{Name: "id"}}
	for _, line := range []string{
		"id=" + good, strings.Repeat("id="+good+";", 2000), strings.Repeat("a", 1<<20), strings.Repeat(";", 1<<20),
		strings.Repeat("=", 1<<20), strings.Repeat("id=;", 1<<18), "id=" + strings.Repeat("x", 1<<20), strings.Repeat(" ", 1<<20),
	} {
		lines := []string{line, line, line}
		if n := testing.AllocsPerRun(1, func() { var c candidates; c.read(cookies, lines) }); n != 0 {
			t.Errorf("%.20q… of %d bytes: %v allocations", line, len(line), n)
		}
	}
}

// FuzzCookieHeader: CVE-41, SEC-31. The tokens that are found are well-formed, different, in the header, no more than eight,
// and those of the name of today come first.
func FuzzCookieHeader(f *testing.F) {
	good := freshToken()
	for _, s := range []string{
		"", ";", "=", "id", "id=", "id=" + good, "a=b; id=" + good, "id=" + good + ";id=" + good, `id="` + good + `"`,
		"id=\x00" + good[1:], "\xff\xfe=; id = " + good, "id=" + good + "\r\nSet-Cookie: a=b", " \tid=" + good + "\t",
		strings.Repeat(";", 3001),
	} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		var c candidates
		c.read([]Cookie{{Name: "id"}, {Name: "old"}}, []string{a, b})
		if c.n > 8 || c.own > c.n {
			t.Fatalf("%d tokens, %d of today's name", c.n, c.own)
		}
		for i, found := range c.all() {
			text := found.token.text()
			if found.token.id.IsZero() || !strings.Contains(a, text) && !strings.Contains(b, text) || (found.cookie == 0) != (i < c.own) ||
				slices.ContainsFunc(c.found[:i], func(o shown) bool { return o.token == found.token && o.cookie == found.cookie }) {
				t.Errorf("found %q", text)
			}
		}
	})
}
