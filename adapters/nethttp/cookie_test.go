package nethttp_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"github.com/qsessions/qsessions/adapters/nethttp"
	"github.com/qsessions/qsessions/core/clientip"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/sessiontest"
)

// TestCookieAttributes: SEC-20, SEC-44. The Set-Cookie of each configuration, byte for byte, over plain http.
func TestCookieAttributes(t *testing.T) {
	t.Parallel()
	token := regexp.MustCompile(`=[A-Za-z0-9_-]{64};`)
	for name, c := range map[string]struct {
		cookie session.Cookie
		set    string
		clear  string
		old    string // taken back beside
	}{
		"SEC-20 default": {session.Cookie{},
			"__Host-session=T; Path=/; HttpOnly; Secure; SameSite=Lax",
			"__Host-session=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax", ""},
		"SEC-20 strict": {session.Cookie{SameSite: session.SameSiteStrict},
			"__Host-session=T; Path=/; HttpOnly; Secure; SameSite=Strict",
			"__Host-session=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Strict", ""},
		"SEC-20 none, partitioned": {session.Cookie{SameSite: session.SameSiteNone, Partitioned: true},
			"__Host-session=T; Path=/; HttpOnly; Secure; SameSite=None; Partitioned",
			"__Host-session=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=None; Partitioned",
			"__Host-session=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=None"},
		"SEC-20 domain": {session.Cookie{Domain: "example.org"},
			"__Secure-session=T; Path=/; Domain=example.org; HttpOnly; Secure; SameSite=Lax",
			"__Secure-session=; Path=/; Domain=example.org; Max-Age=0; HttpOnly; Secure; SameSite=Lax", ""},
		"SEC-20 path": {session.Cookie{Path: "/app"},
			"__Secure-session=T; Path=/app; HttpOnly; Secure; SameSite=Lax",
			"__Secure-session=; Path=/app; Max-Age=0; HttpOnly; Secure; SameSite=Lax", ""},
		"SEC-20 name": {session.Cookie{Name: "sid"},
			"sid=T; Path=/; HttpOnly; Secure; SameSite=Lax",
			"sid=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax", ""},
		"SEC-20 insecure": {session.Cookie{Insecure: true},
			"session=T; Path=/; HttpOnly; SameSite=Lax",
			"session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, session.Config{Cookie: c.cookie, Policy: session.Policy{RememberIdle: 31 * 24 * 60 * 60 * 1e9, RememberLifetime: 31 * 24 * 60 * 60 * 1e9}}, nethttp.Config{})
			s.on("/remember", func(_ http.ResponseWriter, _ *http.Request, s session.Session) { s.Login("alice", session.Remember()) })
			got := get(s.handler(), "/login?user=alice", nil).Header()["Set-Cookie"]
			if len(got) != 1 || token.ReplaceAllString(got[0], "=T;") != c.set {
				t.Errorf("login: got %q, want %q", got, c.set)
			}
			pair, _, _ := strings.Cut(got[0], ";")
			got = get(s.handler(), "/logout", http.Header{"Cookie": {pair}}).Header()["Set-Cookie"]
			if want := strings.TrimPrefix(c.old+"|"+c.clear, "|"); strings.Join(got, "|") != want {
				t.Errorf("logout: got %q, want %q", got, want)
			}
			got = get(s.handler(), "/remember", nil).Header()["Set-Cookie"]
			want := strings.Replace(c.set, "; HttpOnly", "; Max-Age=2678400; HttpOnly", 1)
			if len(got) != 1 || token.ReplaceAllString(got[0], "=T;") != want {
				t.Errorf("remembered: got %q, want %q", got, want)
			}
		})
	}
}

// TestTokenStays: SEC-23. The token is in its header, and in nothing else that an application or a client can see.
func TestTokenStays(t *testing.T) {
	t.Parallel()
	for transport, sc := range map[string]session.Config{"cookie": {}, "header": {Header: "Session-Token"}} {
		var logs, serverLog logBuffer
		sc.Logger = slog.New(slog.NewTextHandler(&logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
		sc.Observe = func(_ context.Context, e session.Event) { _, _ = fmt.Fprintf(&logs, "%+v %#v\n", e, e) }
		seen := new(strings.Builder)
		s := newSite(t, sc, nethttp.Config{Error: func(w http.ResponseWriter, r *http.Request, err error) {
			_, _ = fmt.Fprintf(&logs, "%v %+v %#v\n", err, err, err)
			nethttp.WriteError(w, r, err)
		}})
		s.on("/show", func(w http.ResponseWriter, r *http.Request, x session.Session) {
			info, err := json.Marshal(x.Info())
			if err != nil {
				t.Error(err)
			}
			all, err := session.Collect(s.sessions.Sessions(r.Context(), "alice"))
			if err != nil {
				t.Error(err)
			}
			_, _ = fmt.Fprintf(w, "%s %v %+v %s %+v %#v", info, x.Info(), x.Info(), x.ID(), all, all)
		})
		s.on("/wrong", func(_ http.ResponseWriter, _ *http.Request, x session.Session) { wrong.Set(x, nil) })
		s.on("/panic", func(_ http.ResponseWriter, _ *http.Request, x session.Session) {
			panic(fmt.Sprintf("%v %s", x.Info(), x.ID()))
		})
		s.on("/late", func(w http.ResponseWriter, _ *http.Request, x session.Session) { w.WriteHeader(200); x.Rotate() })
		server := httptest.NewUnstartedServer(s.handler())
		server.Config.ErrorLog = log.New(&serverLog, "", 0)
		server.StartTLS()
		t.Cleanup(server.Close)

		name, value := sessiontest.Header(t, s.sessions, func(s session.Session) { s.Login("alice"); note.Set(s, "private text") })
		tokens := []string{value[strings.IndexByte(value, '=')+1:]}
		for _, path := range []string{"/show", "/wrong", "/late", "/panic", "/login?user=alice", "/show", "/get", "/logout", "/show", "/nowhere", "down", "/get"} {
			if path == "down" {
				s.db.down.Store(true)
				continue
			}
			req, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set(name, value)
			res, err := server.Client().Do(req)
			if err != nil {
				_, _ = fmt.Fprintln(seen, path, err)
				continue
			}
			out := "Set-Cookie"
			if transport == "header" {
				out = "Session-Token"
			}
			if set := res.Header.Get(out); set != "" {
				set, _, _ = strings.Cut(set, ";")
				if t := set[strings.IndexByte(set, '=')+1:]; t != "" {
					value, tokens = set, append(tokens, t)
				}
			}
			res.Header.Del(out)
			_ = res.Write(seen)
			_ = res.Body.Close()
		}
		if len(tokens) != 2 {
			t.Fatalf("%s: %d tokens were issued, want 2", transport, len(tokens))
		}
		all := seen.String() + logs.String() + serverLog.String()
		for _, want := range []string{`"user":"alice"`, "level=ERROR", "cannot be encoded", "panic serving", "unavailable", "private text"} {
			if !strings.Contains(all, want) {
				t.Errorf("%s: %q does not appear: the test has seen too little", transport, want)
			}
		}
		for _, token := range tokens {
			for i := 22; i+16 <= len(token); i += 14 { // behind the ID, which is public
				if part := token[i : i+16]; strings.Contains(all, part) {
					t.Errorf("%s: a part of the token appears: %.200s", transport, all[max(0, strings.Index(all, part)-100):])
				}
			}
		}
		if strings.Contains(logs.String()+serverLog.String(), "private text") {
			t.Errorf("%s: a value appears in a log", transport)
		}
	}
}

// TestLateAnswer: SEC-33. Only a logout takes a cookie back: the late answer to a request with an old token, or a wrong
// one, does not delete the cookie of a login in between.
func TestLateAnswer(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]func(s session.Session){
		"read": func(session.Session) {},
		"set":  func(s session.Session) { note.Set(s, "late") },
		"keys": func(s session.Session) { s.Clear(); s.Rotate() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, session.Config{}, nethttp.Config{})
			loaded, goOn := make(chan bool), make(chan bool)
			s.on("/slow", func(w http.ResponseWriter, _ *http.Request, s session.Session) {
				loaded <- true
				<-goOn
				f(s)
			})
			b := serve(t, 2, s.handler())("")
			b.want("/set?note=first", 200, "")
			done := make(chan answer)
			go func() { done <- b.do("GET", "/slow") }()
			<-loaded
			b.want("/login?user=alice", 200, "")
			goOn <- true
			if a := <-done; len(a.Header["Set-Cookie"]) != 0 {
				t.Errorf("the late answer %d sets %q", a.StatusCode, a.Header["Set-Cookie"])
			}
			if a := b.do("GET", "/get"); !strings.HasPrefix(a.body, "user=alice") {
				t.Errorf("after the late answer the browser gets %d %q", a.StatusCode, a.body)
			}
		})
	}
	s := newSite(t, session.Config{}, nethttp.Config{})
	name, value := sessiontest.Header(t, s.sessions, func(s session.Session) { s.Login("alice") })
	if _, err := s.sessions.RevokeUser(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	if w := get(s.handler(), "/get", http.Header{name: {value}}); w.Body.String() != "user= note=" || w.Header()["Set-Cookie"] != nil {
		t.Errorf("a revoked token: got %q with %q, want no answer to the cookie", w.Body, w.Header()["Set-Cookie"])
	}
}

// TestBadCookies: BAD-1, BAD-2, BAD-4, BAD-5. What is no token makes an anonymous visitor, without a store call, a cookie,
// or a word in a log.
func TestBadCookies(t *testing.T) {
	t.Parallel()
	var logs logBuffer
	s := newSite(t, session.Config{Logger: slog.New(slog.NewTextHandler(&logs, nil))}, nethttp.Config{})
	h := s.handler()
	_, good := sessiontest.Header(t, s.sessions, func(s session.Session) { s.Login("alice") })
	token := good[strings.IndexByte(good, '=')+1:]
	tooMany := strings.Repeat("a=b; ", 3000) + good
	calls := s.db.calls()
	for name, line := range map[string]string{
		"BAD-1 none":          "",
		"BAD-1 empty":         "__Host-session=",
		"BAD-1 quotes":        `__Host-session=""`,
		"BAD-1 spaces":        "__Host-session=   ",
		"BAD-1 63":            good[:len(good)-1],
		"BAD-1 65":            good + "A",
		"BAD-1 alphabet":      "__Host-session=" + strings.Repeat("!", 64),
		"BAD-1 padding":       good[:len(good)-1] + "=",
		"BAD-1 standard":      "__Host-session=" + strings.Repeat("+/", 32),
		"BAD-1 percent":       "__Host-session=%41" + token[3:],
		"BAD-1 NUL":           "__Host-session=\x00" + token[1:],
		"BAD-1 new lines":     "__Host-session=\r\n" + token[2:],
		"BAD-1 UTF-8":         "__Host-session=ä" + token[2:],
		"BAD-1 0xff":          "__Host-session=\xff" + token[1:],
		"BAD-1 space behind":  "__Host-session= " + token,
		"BAD-1 null ID":       "__Host-session=" + strings.Repeat("A", 64),
		"BAD-2 quoted":        `__Host-session="` + token + `"`,
		"BAD-2 quoted inside": `__Host-session="` + token[2:] + `"`,
		"BAD-4 3001 cookies":  tooMany,
		"BAD-5 8 KiB":         "__Host-session=" + strings.Repeat("A", 8<<10),
		"BAD-5 1 MiB":         "__Host-session=" + strings.Repeat("A", 1<<20),
		"BAD-5 long line":     good + "; a=" + strings.Repeat("A", 1<<20),
		"BAD-5 long name":     strings.Repeat("A", 8<<10) + "=" + token,
	} {
		w := get(h, "/get", http.Header{"Cookie": {line}})
		if w.Code != 200 || w.Body.String() != "user= note=" || w.Header()["Set-Cookie"] != nil {
			t.Errorf("%s: got %d %q, %q; want an anonymous visitor", name, w.Code, w.Body, w.Header()["Set-Cookie"])
		}
	}
	if got := s.db.calls(); got != calls {
		t.Errorf("%d store calls, want 0", got-calls)
	}
	if logs.String() != "" {
		t.Errorf("logged: %.200q", &logs)
	}
	if w := get(h, "/get", http.Header{"Cookie": {"a=b; " + good + " ; c=d"}}); w.Body.String() != "user= note=" {
		t.Errorf("BAD-1 space before the semicolon: got %q", w.Body)
	}
	if w := get(h, "/get", http.Header{"Cookie": {"a=b", "c=d; " + good + "; e=f"}}); w.Body.String() != "user=alice note=" {
		t.Errorf("a good cookie among others: got %q", w.Body)
	}
}

// TestTossing: BAD-3, ATK-16. Of several cookies of one name, eight count, and of live ones the user who signed in last. Where
// none of them can be taken back, no response does.
func TestTossing(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.Config{Cookie: session.Cookie{Name: "sid"}}, nethttp.Config{})
	other := newSite(t, session.Config{Cookie: session.Cookie{Name: "sid"}}, nethttp.Config{})
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
		"BAD-3 dead before":     {[]string{dead[0] + "; " + alice}, "alice", 2},
		"BAD-3 two dead before": {[]string{dead[0] + "; " + dead[1] + "; " + alice}, "alice", 1},
		"BAD-3 lines":           {[]string{dead[0], alice}, "alice", 2},
		"BAD-3 malformed":       {[]string{"sid=x; sid=; sid=y; sid=z; " + alice}, "alice", 1},
		"BAD-3 same twice":      {[]string{strings.Repeat(dead[0]+"; ", 5) + alice}, "alice", 2},
		"BAD-3 fourth":          {[]string{strings.Join(dead, "; ") + "; " + alice}, "alice", 1},
	} {
		before := s.db.loads.Load()
		w := get(s.handler(), "/get", http.Header{"Cookie": c.lines})
		if want := "user=" + c.user + " note="; w.Body.String() != want || w.Header()["Set-Cookie"] != nil {
			t.Errorf("%s: got %q, %q; want %q", name, w.Body, w.Header()["Set-Cookie"], want)
		}
		if got := s.db.loads.Load() - before; got != c.loads {
			t.Errorf("%s: %d loads, want %d", name, got, c.loads)
		}
	}
	host := newSite(t, session.Config{}, nethttp.Config{})
	planted := strings.Replace(dead[0], "sid=", "__Host-session=", 1)
	if w := get(host.handler(), "/get", http.Header{"Cookie": {planted + "; " + login(host, "alice")}}); w.Body.String() != "user=alice note=" || host.db.loads.Load() != 2 {
		t.Errorf("BAD-3 a second __Host- cookie: got %q after %d loads", w.Body, host.db.loads.Load())
	}
}

// TestClient: BAD-22, BAD-30. The address is the peer's unless a proxy is trusted; of several User-Agent lines the first counts.
func TestClient(t *testing.T) {
	t.Parallel()
	trusted, err := clientip.New(clientip.Config{Trusted: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		config nethttp.Config
		header http.Header
		want   string
	}{
		"BAD-30 nobody is trusted": {nethttp.Config{}, http.Header{"X-Forwarded-For": {"198.51.100.7"}, "Forwarded": {"for=198.51.100.7"}, "X-Real-Ip": {"198.51.100.7"}}, "192.0.2.1 "},
		"BAD-30 trusted":           {nethttp.Config{ClientIP: trusted}, http.Header{"X-Forwarded-For": {"9.9.9.9, 198.51.100.7"}, "User-Agent": {"ua"}}, "198.51.100.7 ua"},
		"BAD-30 own function": {nethttp.Config{ClientIP: trusted, Client: func(r *http.Request) session.Client {
			return session.Client{IP: netip.MustParseAddr("203.0.113.9"), UserAgent: r.Header.Get("X-App")}
		}}, http.Header{"X-App": {"app/2"}}, "203.0.113.9 app/2"},
		"BAD-22 missing":  {nethttp.Config{}, http.Header{}, "192.0.2.1 "},
		"BAD-22 empty":    {nethttp.Config{}, http.Header{"User-Agent": {""}}, "192.0.2.1 "},
		"BAD-22 repeated": {nethttp.Config{}, http.Header{"User-Agent": {"first", "second"}}, "192.0.2.1 first"},
	} {
		s := newSite(t, session.Config{}, c.config)
		get(s.handler(), "/login?user=alice", c.header)
		all, err := session.Collect(s.sessions.Sessions(t.Context(), "alice"))
		if err != nil || len(all) != 1 {
			t.Fatalf("%s: got %v, %v; want one session", name, all, err)
		}
		if got := all[0].IP.String() + " " + all[0].UserAgent; got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}
