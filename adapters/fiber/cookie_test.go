package fibersession_test

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v3"

	fibersession "github.com/qsessions/qsessions/adapters/fiber"
	"github.com/qsessions/qsessions/core/clientip"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/sessiontest"
)

// TestAnonymous: SEC-17, CVE-50, BAD-70. Visitors who set nothing cost no store call, no row and no cookie, and neither do
// ten thousand malformed cookies.
func TestAnonymous(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.Config{}, fibersession.Config{})
	s.Get("/untouched", ok)
	s.Get("/private", fibersession.Require(s.sessions), ok)
	s.on("/nothing", func(_ fiber.Ctx, s session.Session) error { note.Delete(s); s.Clear(); s.Rotate(); return nil })
	h := s.Handler()
	paths := []string{"/untouched", "/get", "/logout", "/private", "/nothing", "/nowhere"}
	for i := range 20_000 {
		cookie := ""
		if i%2 == 0 {
			b := make([]byte, rand.N(130))
			for j := range b {
				b[j] = byte(rand.N(256))
			}
			cookie = "__Host-session=" + strings.NewReplacer(";", ":", "=", "-", "\r", "", "\n", "").Replace(string(b))
		}
		a := s.direct(h, paths[i%len(paths)], cookie)
		if len(a.Peek("Set-Cookie")) != 0 || a.StatusCode() >= 500 {
			t.Fatalf("%s with %q: got %s", paths[i%len(paths)], cookie, a)
		}
	}
	if calls, rows := s.db.calls(), s.rows(); calls != 0 || rows != 0 {
		t.Errorf("%d store calls and %d rows, want 0 and 0", calls, rows)
	}
}

// TestBadCookies: BAD-1, BAD-2, BAD-4, BAD-5, CVE-41. What is no token makes an anonymous visitor, without a store call, a
// cookie, or a word in a log; the header of a request that is too large for Fiber never arrives.
func TestBadCookies(t *testing.T) {
	t.Parallel()
	var log logBuffer
	s := newSite(t, session.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}, fibersession.Config{}, fiber.Config{ReadBufferSize: 4 << 20})
	_, good := sessiontest.Header(t, s.sessions, func(s session.Session) { s.Login("alice") })
	token := good[strings.IndexByte(good, '=')+1:]
	calls := s.db.calls()
	for name, line := range map[string]string{
		"BAD-1 empty":        "__Host-session=",
		"BAD-1 too short":    "__Host-session=" + token[:63],
		"BAD-1 too long":     "__Host-session=" + token + "A",
		"BAD-1 alphabet":     "__Host-session=" + strings.Repeat("+", 64),
		"BAD-1 other case":   "__host-session=" + token,
		"BAD-1 null ID":      "__Host-session=" + strings.Repeat("A", 64),
		"BAD-2 quoted":       `__Host-session="` + token + `"`,
		"BAD-4 3001 cookies": strings.Repeat("a=b; ", 3000) + good,
		"BAD-5 1 MiB":        "__Host-session=" + strings.Repeat("A", 1<<20),
		"BAD-5 long line":    good + "; a=" + strings.Repeat("A", 1<<20),
	} {
		a := s.get("/get", http.Header{"Cookie": {line}})
		if a.StatusCode != 200 || a.body != "user= note=" || a.Header["Set-Cookie"] != nil {
			t.Errorf("%s: got %d %q, %q; want an anonymous visitor", name, a.StatusCode, a.body, a.Header["Set-Cookie"])
		}
	}
	if got := s.db.calls(); got != calls || log.String() != "" {
		t.Errorf("%d store calls, want 0; logged %.200q", got-calls, &log)
	}
	if a := s.get("/get", http.Header{"Cookie": {"a=b", "c=d; " + good + "; e=f"}}); a.body != "user=alice note=" {
		t.Errorf("a good cookie among others: got %q", a.body)
	}

	small := newSite(t, session.Config{}, fibersession.Config{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	start(t, small.App, l)
	a, err := dial(t, l.Addr().String()).get("/get", "Cookie: "+strings.Repeat("a=b; ", 3001)+good)
	if err != nil || a.StatusCode != 431 || a.Header["Set-Cookie"] != nil || small.db.calls() != 0 {
		t.Errorf("BAD-4 a header of 15 KB: got %v, %v, want 431", a.Response, err)
	}
}

// TestTossing: BAD-3, ATK-16. Of several cookies of one name, eight count, and of live ones the user who signed in last. Where
// none of them can be taken back, no response does.
func TestTossing(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.Config{Cookie: session.Cookie{Name: "sid"}}, fibersession.Config{})
	other := newSite(t, session.Config{Cookie: session.Cookie{Name: "sid"}}, fibersession.Config{})
	login := func(s *site, user string) string {
		_, value := sessiontest.Header(t, s.sessions, func(s session.Session) { s.Login(user) })
		return value
	}
	alice, bob := login(s, "alice"), login(s, "bob")
	var dead []string
	for range 3 {
		dead = append(dead, login(other, "eve"))
	}
	for name, c := range map[string]struct {
		lines []string
		user  string
		loads int64
	}{
		"BAD-3 last login":      {[]string{alice + "; " + bob}, "bob", 2},
		"BAD-3 order":           {[]string{bob + "; " + alice}, "bob", 2},
		"BAD-3 two dead before": {[]string{dead[0] + "; " + dead[1] + "; " + alice}, "alice", 1},
		"BAD-3 lines":           {[]string{dead[0], alice}, "alice", 2},
		"BAD-3 malformed":       {[]string{"sid=x; sid=; sid=y; sid=z; " + alice}, "alice", 1},
		"BAD-3 same twice":      {[]string{strings.Repeat(dead[0]+"; ", 5) + alice}, "alice", 2},
		"BAD-3 fourth":          {[]string{strings.Join(dead, "; ") + "; " + alice}, "alice", 1},
	} {
		before := s.db.loads.Load()
		a := s.get("/get", http.Header{"Cookie": c.lines})
		if want := "user=" + c.user + " note="; a.body != want || a.Header["Set-Cookie"] != nil {
			t.Errorf("%s: got %q, %q; want %q", name, a.body, a.Header["Set-Cookie"], want)
		}
		if got := s.db.loads.Load() - before; got != c.loads {
			t.Errorf("%s: %d loads, want %d", name, got, c.loads)
		}
	}
	host := newSite(t, session.Config{}, fibersession.Config{})
	planted := strings.Replace(dead[0], "sid=", "__Host-session=", 1)
	if a := host.get("/get", http.Header{"Cookie": {planted + "; " + login(host, "alice")}}); a.body != "user=alice note=" || host.db.loads.Load() != 2 {
		t.Errorf("BAD-3 a second __Host- cookie: got %q after %d loads", a.body, host.db.loads.Load())
	}
}

// TestOneTransport: SEC-27, CVE-31, BAD-9. A token counts in its own place alone, and no other place makes it a cookie.
func TestOneTransport(t *testing.T) {
	t.Parallel()
	for transport, sc := range map[string]session.Config{"cookie": {}, "header": {Header: "session-token"}} {
		s := newSite(t, sc, fibersession.Config{})
		name, value := sessiontest.Header(t, s.sessions, func(s session.Session) { s.Login("alice") })
		if a := s.get("/get", http.Header{name: {value}}); a.body != "user=alice note=" {
			t.Errorf("%s: the right place: got %q", transport, a.body)
		}
		loads := s.db.loads.Load()
		token := value[strings.IndexByte(value, '=')+1:]
		fields := "session=" + token + "&__Host-session=" + token + "&Session-Token=" + token
		form := httptest.NewRequest("POST", "/get", strings.NewReader(fields))
		form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		requests := map[string]*http.Request{"form": form, "query": httptest.NewRequest("GET", "/get?"+fields, nil)}
		for place, line := range map[string][2]string{
			"authorization": {"Authorization", "Bearer " + token}, "X-Session": {"X-Session", token}, "Set-Cookie": {"Set-Cookie", value},
			"other cookie": {"Cookie", "session=" + token}, "lower case": {"Cookie", "__host-session=" + token},
			"the other one": {map[string]string{"cookie": "Session-Token", "header": "Cookie"}[transport], map[string]string{"cookie": token, "header": "__Host-session=" + token}[transport]},
		} {
			r := httptest.NewRequest("GET", "/get", nil)
			r.Header.Set(line[0], line[1])
			requests[place] = r
		}
		for place, r := range requests {
			a := s.call(r)
			if a.body != "user= note=" || a.Header.Get("Set-Cookie") != "" || a.Header["Session-Token"] != nil {
				t.Errorf("%s: a token in %s: got %q, %v", transport, place, a.body, a.Header)
			}
		}
		if got := s.db.loads.Load(); got != loads {
			t.Errorf("%s: %d loads for tokens in wrong places", transport, got-loads)
		}
	}
}

// TestFixation: CVE-30. A well-formed token that nobody was given is never adopted, by cookie or by header.
func TestFixation(t *testing.T) {
	t.Parallel()
	for transport, sc := range map[string]session.Config{"cookie": {}, "header": {Header: "Session-Token"}} {
		s, other := newSite(t, sc, fibersession.Config{}), newSite(t, sc, fibersession.Config{})
		name, planted := sessiontest.Header(t, other.sessions, func(s session.Session) { note.Set(s, "planted") })
		a := s.get("/login?user=alice", http.Header{name: {planted}})
		out := a.Header.Get("Set-Cookie") + a.Header.Get("Session-Token")
		if out == "" || strings.Contains(out, planted[len(planted)-64:][:22]) || strings.Contains(out, planted[len(planted)-40:]) {
			t.Errorf("%s: the login answers with %q, for the planted %q", transport, out, planted)
		}
		if a := s.get("/get", http.Header{name: {planted}}); a.body != "user= note=" {
			t.Errorf("%s: the planted token opens %q", transport, a.body)
		}
		// A token of a visitor, known to somebody else, is dead after the login.
		_, planted = sessiontest.Header(t, s.sessions, func(s session.Session) { note.Set(s, "mine") })
		s.get("/login?user=alice", http.Header{name: {planted}})
		if a := s.get("/get", http.Header{name: {planted}}); a.body != "user= note=" {
			t.Errorf("%s: the visitor's token opens %q after the login", transport, a.body)
		}
	}
}

// TestHeaderTransport: a client that is no browser gets its token in a header, and loses it with an empty one.
func TestHeaderTransport(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.Config{Header: "session-token"}, fibersession.Config{})
	a := s.get("/login?user=alice", nil)
	token := a.Header.Get("Session-Token")
	if len(token) != 64 || a.Header["Set-Cookie"] != nil || !slices.Equal(a.Header["Vary"], []string{"Session-Token"}) || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("login: got %v", a.Header)
	}
	for _, value := range []string{token, "Bearer " + token} {
		if a := s.get("/get", http.Header{"Session-Token": {value}}); a.body != "user=alice note=" || a.Header["Session-Token"] != nil {
			t.Errorf("%.10s: got %q, %v", value, a.body, a.Header)
		}
	}
	a = s.get("/logout", http.Header{"Session-Token": {token}})
	if got := a.Header["Session-Token"]; !slices.Equal(got, []string{""}) {
		t.Errorf("logout: got %q, want one empty line", got)
	}
}

// TestClient: BAD-22, BAD-30. The address is the peer's unless a proxy is trusted, whatever Fiber is told of proxies; hints
// are asked for and kept if that is on.
func TestClient(t *testing.T) {
	t.Parallel()
	trusted, err := clientip.New(clientip.Config{Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	if err != nil {
		t.Fatal(err)
	}
	hints := session.Hints{Model: `"Pixel 7"`, PlatformVersion: `"14.0.0"`}
	for name, c := range map[string]struct {
		config fibersession.Config
		header []string
		want   session.Client
	}{
		"BAD-30 nobody is trusted": {fibersession.Config{}, []string{"X-Forwarded-For: 198.51.100.7", "Forwarded: for=198.51.100.7"}, session.Client{IP: netip.MustParseAddr("127.0.0.1")}},
		"BAD-30 trusted":           {fibersession.Config{ClientIP: trusted}, []string{"X-Forwarded-For: 9.9.9.9", "X-Forwarded-For: 198.51.100.7", "User-Agent: ua"}, session.Client{IP: netip.MustParseAddr("198.51.100.7"), UserAgent: "ua"}},
		"BAD-30 own function": {fibersession.Config{ClientIP: trusted, Client: func(c fiber.Ctx) session.Client {
			return session.Client{IP: netip.MustParseAddr("203.0.113.9"), UserAgent: c.Get("X-App")}
		}}, []string{"X-App: app/2"}, session.Client{IP: netip.MustParseAddr("203.0.113.9"), UserAgent: "app/2"}},
		"BAD-22 empty":     {fibersession.Config{}, []string{"User-Agent:"}, session.Client{IP: netip.MustParseAddr("127.0.0.1")}},
		"BAD-22 repeated":  {fibersession.Config{}, []string{"X: User-Agent: zero", "User-Agent:  first ", "user-agent: second"}, session.Client{IP: netip.MustParseAddr("127.0.0.1"), UserAgent: "first"}},
		"BAD-22 elsewhere": {fibersession.Config{}, []string{"User-Agent: ua", "X: User-Agent: zero"}, session.Client{IP: netip.MustParseAddr("127.0.0.1"), UserAgent: "ua"}},
		"hints":            {fibersession.Config{ClientHints: true}, []string{"User-Agent: ua", "Sec-CH-UA-Model: " + hints.Model, "Sec-CH-UA-Platform-Version: " + hints.PlatformVersion}, session.Client{IP: netip.MustParseAddr("127.0.0.1"), UserAgent: "ua", Hints: hints}},
		"no hints":         {fibersession.Config{}, []string{"User-Agent: ua", "Sec-CH-UA-Model: " + hints.Model}, session.Client{IP: netip.MustParseAddr("127.0.0.1"), UserAgent: "ua"}},
	} {
		s := newSite(t, session.Config{}, c.config, fiber.Config{TrustProxy: true, ProxyHeader: "X-Forwarded-For", TrustProxyConfig: fiber.TrustProxyConfig{Loopback: true}})
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		start(t, s.App, l)
		a, err := dial(t, l.Addr().String()).get("/login?user=alice", c.header...)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(a.Header["Accept-Ch"]) == "["+session.AcceptCH+"]"; got != c.config.ClientHints {
			t.Errorf("%s: Accept-CH %q", name, a.Header["Accept-Ch"])
		}
		all, err := session.Collect(s.sessions.Sessions(t.Context(), "alice"))
		if err != nil || len(all) != 1 || all[0].Client != c.want {
			t.Errorf("%s: got %+v, %v; want %+v", name, all, err, c.want)
		}
	}
}
