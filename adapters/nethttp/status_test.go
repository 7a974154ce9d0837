package nethttp_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/qsessions/qsessions/adapters/nethttp"
	"github.com/qsessions/qsessions/core/session"
)

// TestStatus: RPT-45. Each error of sessions has one status, for custom error handlers too.
func TestStatus(t *testing.T) {
	t.Parallel()
	pending := &session.PendingError{Err: session.ErrUnavailable}
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, 200}, {session.ErrUnavailable, 503}, {context.Canceled, 503}, {context.DeadlineExceeded, 503},
		{session.ErrUnauthenticated, 401}, {session.ErrRevoked, 401}, {session.ErrStale, 403}, {session.ErrCrossSite, 403},
		{session.ErrNotFound, 404}, {session.ErrTooMany, 409}, {session.ErrReplaced, 409}, {session.ErrTooLarge, 413},
		{pending, 202}, {fmt.Errorf("%w: %w", session.ErrNotFound, pending), 404}, {session.ErrNoSession, 500}, {errOther, 500},
	} {
		if got := nethttp.Status(c.err); got != c.want {
			t.Errorf("%v: got %d, want %d", c.err, got, c.want)
		}
		if c.err == nil {
			continue
		}
		if got := nethttp.Status(fmt.Errorf("wrapped: %w", c.err)); got != c.want {
			t.Errorf("wrapped %v: got %d, want %d", c.err, got, c.want)
		}
	}
}

// TestLogged: RPT-45. Each error of the server is logged once, with method, path and pattern, whatever Config.Error does and
// whichever router there is; the log has neither the query nor the token.
func TestLogged(t *testing.T) {
	t.Parallel()
	plain := func(w http.ResponseWriter, _ *http.Request, err error) { w.WriteHeader(nethttp.Status(err)) }
	for name, onError := range map[string]func(http.ResponseWriter, *http.Request, error){
		"default": nil, "custom": plain, "WriteError within": nethttp.WriteError,
	} {
		for _, router := range []string{"ServeMux", "none"} {
			s := newSite(t, session.Config{}, nethttp.Config{Error: onError})
			s.mux.Handle("/require/{id}", s.Require(http.NotFoundHandler()))
			s.on("/commit/{id}", func(w http.ResponseWriter, _ *http.Request, x session.Session) {
				note.Set(x, "x")
				s.db.down.Store(true)
				w.WriteHeader(204)
			})
			s.on("/from/{id}", func(http.ResponseWriter, *http.Request, session.Session) { t.Error("called") })
			s.on("/error/{id}", func(w http.ResponseWriter, r *http.Request, _ session.Session) { s.Error(w, r, errOther) })
			s.on("/refused/{id}", func(w http.ResponseWriter, r *http.Request, _ session.Session) { s.Error(w, r, session.ErrStale) })
			s.on("/gone/{id}", func(w http.ResponseWriter, r *http.Request, _ session.Session) { s.Error(w, r, context.Canceled) })
			s.on("/no-time/{id}", func(w http.ResponseWriter, r *http.Request, _ session.Session) {
				s.Error(w, r, context.DeadlineExceeded)
			})
			h := http.Handler(s.mux)
			if router == "none" { // a router that leaves nothing in the request
				h = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r.Clone(r.Context())) })
			}
			var logs logBuffer
			server := &http.Server{ErrorLog: log.New(&logs, "", 0)}
			app := s.Handler(h)
			cookie := call(app, httptest.NewRequest("GET", "/login?user=alice", nil)).Header()["Set-Cookie"][0]
			cookie, _, _ = strings.Cut(cookie, ";")
			try := func(path string) string {
				t.Helper()
				before := len(logs.String())
				r := httptest.NewRequest("GET", path+"/a%0Ab?password=sesame", nil)
				r.Header.Set("Cookie", cookie)
				r = r.WithContext(context.WithValue(r.Context(), http.ServerContextKey, server))
				call(app, r)
				return logs.String()[before:]
			}
			for path, text := range map[string]string{"/error": errOther.Error(), "/no-time": context.DeadlineExceeded.Error(), "/refused": "", "/gone": ""} {
				got := try(path)
				if text == "" && got != "" || text != "" && !(strings.Count(got, "\n") == 1 && strings.Contains(got, text)) {
					t.Errorf("%s, %s: %s: logged %q", name, router, path, got)
				}
			}
			for _, path := range []string{"/commit", "/require", "/from"} { // from the first on the store is out
				got := try(path)
				prefix, suffix := `nethttp: GET "`+path+`/a\nb" ("`+path+`/{id}"): `, "store: unavailable\n"
				if router == "none" && path == "/commit" {
					prefix = `nethttp: GET "` + path + `/a\nb": `
				}
				if !strings.HasPrefix(got, prefix) || !strings.HasSuffix(got, suffix) || strings.Count(got, "\n") != 1 {
					t.Errorf("%s, %s: %s: logged %q, want one line with %q and %q", name, router, path, got, prefix, suffix)
				}
			}
			if _, token, _ := strings.Cut(cookie, "="); strings.Contains(logs.String(), token) || strings.Contains(logs.String(), "sesame") {
				t.Errorf("%s, %s: the log has a token or a query: %s", name, router, &logs)
			}
		}
	}
}

// TestLoggedPath: RPT-45. A path of any length and content is a bounded, quoted part of the line.
func TestLoggedPath(t *testing.T) {
	t.Parallel()
	var logs logBuffer
	r := httptest.NewRequest("GET", "/", nil)
	r.URL.Path = "/" + strings.Repeat("\x1b", 1<<20)
	r = r.WithContext(context.WithValue(r.Context(), http.ServerContextKey, &http.Server{ErrorLog: log.New(&logs, "", 0)}))
	nethttp.WriteError(httptest.NewRecorder(), r, errOther)
	if n := len(logs.String()); n > 2000 || strings.Contains(logs.String(), "\x1b") {
		t.Errorf("%d bytes in the log: %.100q", n, &logs)
	}
}

// TestHandlersFit: RPT-43. What With returns goes where routers take a handler, a HandlerFunc or a function; what guards is
// middleware.
func TestHandlersFit(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.Config{}, nethttp.Config{})
	hello := s.With(func(w http.ResponseWriter, _ *http.Request, s session.Session) {
		_, _ = io.WriteString(w, "hello "+s.User())
	})
	post := func(_ string, h http.HandlerFunc) http.Handler { return h }                                 // chi
	wrap := func(f func(http.ResponseWriter, *http.Request)) http.Handler { return http.HandlerFunc(f) } // plain functions
	use := func(m ...func(http.Handler) http.Handler) http.Handler {                                     // chi, and others
		var h http.Handler = hello
		for _, f := range m {
			h = f(h)
		}
		return h
	}
	s.mux.Handle("/handler", hello)
	s.mux.HandleFunc("/function", hello)
	s.mux.Handle("/chi", post("/", hello))
	s.mux.Handle("/wrap", wrap(hello))
	s.mux.Handle("/use", use(s.Require, s.RequireFresh(1), s.RequireLevel(1), s.RequireProof(session.Requirement{}), s.Passive, s.Handler))
	b := serve(t, 1, s.handler())("")
	for _, path := range []string{"/handler", "/function", "/chi", "/wrap"} {
		b.want(path, 200, "hello ")
	}
	b.want("/use", 401, "Unauthorized\n")
}

// TestCloseNotify: RPT-44. A handler that asks by http.CloseNotifier is told that its client has left.
func TestCloseNotify(t *testing.T) {
	t.Parallel()
	eachProtocol(t, func(t *testing.T, protocol int) {
		told := make(chan bool, 1)
		s := newSite(t, session.Config{}, nethttp.Config{})
		s.on("/stream", func(w http.ResponseWriter, _ *http.Request, x session.Session) {
			gone := w.(interface{ CloseNotify() <-chan bool }).CloseNotify() // as gin asks
			_, _ = io.WriteString(w, x.User()+"\n")
			w.(http.Flusher).Flush()
			told <- <-gone
		})
		b := serve(t, protocol, s.handler())("")
		b.want("/login?user=alice", 200, "")
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, "GET", b.url+"/stream", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := b.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if line, err := bufio.NewReader(res.Body).ReadString('\n'); line != "alice\n" || err != nil {
			t.Errorf("got %q, %v", line, err)
		}
		cancel()
		if !<-told {
			t.Error("the channel was closed, want a value")
		}
	})
}

// TestWrappedInside: RPT-44. Where a framework answers after the middleware has returned, a cookie and the store still agree,
// the answer is not cached, and the log says once that the router is to be wrapped from outside.
func TestWrappedInside(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.Config{}, nethttp.Config{})
	var logs bytes.Buffer
	server := &http.Server{ErrorLog: log.New(&logs, "", 0)}
	framework := func(h http.HandlerFunc) http.Handler { // as echo with WrapMiddleware
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			inner := w
			s.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { inner = w; h(w, r) })).ServeHTTP(w, r)
			inner.WriteHeader(500)
		})
	}
	h := framework(s.With(func(_ http.ResponseWriter, _ *http.Request, s session.Session) { s.Login("alice") }))
	for range 2 {
		r := httptest.NewRequest("GET", "/", nil)
		w := call(h, r.WithContext(context.WithValue(r.Context(), http.ServerContextKey, server)))
		if w.Code != 500 || len(w.Header()["Set-Cookie"]) != 1 || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("got %d %v", w.Code, w.Header())
		}
		cookie, _, _ := strings.Cut(w.Header().Get("Set-Cookie"), ";")
		if got := get(s.handler(), "/get", http.Header{"Cookie": {cookie}}).Body.String(); got != "user=alice note=" {
			t.Errorf("with the cookie of the failed answer: %q", got)
		}
	}
	if got := strings.Count(logs.String(), "from outside"); got != 1 {
		t.Errorf("said %d times, want once: %s", got, &logs)
	}
}

// TestRewrittenPeer: RPT-37. An address that middleware in front has put into RemoteAddr is not believed, and the log says so
// once; the peer of a Unix socket is no reason to.
func TestRewrittenPeer(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.Config{}, nethttp.Config{})
	var logs bytes.Buffer
	server := &http.Server{ErrorLog: log.New(&logs, "", 0)}
	s.on("/client", func(http.ResponseWriter, *http.Request, session.Session) {})
	rewritten := []string{"192.0.2.1", "2001:db8::1", "[2001:db8::1]", "::1", "::ffff:192.0.2.1"}
	for remote, want := range map[string]string{
		"192.0.2.1:1": "192.0.2.1", "[2001:db8::1]:1": "2001:db8::1", "[::ffff:192.0.2.1]:65535": "192.0.2.1", "[fe80::1%eth0]:1": "fe80::1",
		"": "", "@": "", "/run/app.sock": "", "pipe": "", ":": "", "[]:1": "",
		"192.0.2.1": "", "2001:db8::1": "", "[2001:db8::1]": "", "::1": "", "::ffff:192.0.2.1": "",
	} {
		before := logs.Len()
		r := httptest.NewRequest("GET", "/login?user=u", nil)
		r.RemoteAddr = remote
		r = r.WithContext(context.WithValue(r.Context(), http.ServerContextKey, server))
		w := call(s.handler(), r)
		cookie, _, _ := strings.Cut(w.Header().Get("Set-Cookie"), ";")
		all, err := session.Collect(s.sessions.Sessions(t.Context(), "u"))
		if err != nil || len(all) != 1 {
			t.Fatal(all, err)
		}
		got := ""
		if all[0].IP.IsValid() {
			got = all[0].IP.String()
		}
		if got != want {
			t.Errorf("RemoteAddr %q: the client is %q, want %q", remote, got, want)
		}
		if said := logs.Len() > before; said && !slices.Contains(rewritten, remote) {
			t.Errorf("RemoteAddr %q: logged %q", remote, &logs)
		}
		get(s.handler(), "/logout", http.Header{"Cookie": {cookie}})
	}
	if got := strings.Count(logs.String(), "Config.ClientIP"); got != 1 {
		t.Errorf("said %d times, want once: %s", got, &logs)
	}
}

// TestLoggedMethod: RPT-45. A method, which the client chooses, neither fills the log nor looks like more than a method in it.
func TestLoggedMethod(t *testing.T) {
	t.Parallel()
	for method, want := range map[string]string{
		"GET": `nethttp: GET "/x": `, "PROPPATCH": `nethttp: PROPPATCH "/x": `,
		strings.Repeat("A", 1<<20):      `nethttp: "` + strings.Repeat("A", 32) + `" "/x": `,
		"GET \"/\": all is well\nERROR": `nethttp: "GET \"/\": all is well\nERROR" "/x": `,
		"GET\u009b31m":                  `nethttp: "GET\u009b31m" "/x": `,
	} {
		var logs logBuffer
		r := httptest.NewRequest("GET", "/x", nil)
		r = r.WithContext(context.WithValue(r.Context(), http.ServerContextKey, &http.Server{ErrorLog: log.New(&logs, "", 0)}))
		r.Method = method // HTTP/2 lets through more than tokens
		nethttp.WriteError(httptest.NewRecorder(), r, errOther)
		if got := logs.String(); got != want+errOther.Error()+"\n" {
			t.Errorf("%.40q: the log is %.200q", method, got)
		}
	}
}
