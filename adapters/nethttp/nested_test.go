package nethttp_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/qsessions/qsessions/adapters/nethttp"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/sessiontest"
)

// TestNested: BAD-73. Middleware that is mounted twice, or again on a part of the application, works once.
func TestNested(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.Config{}, nethttp.Config{})
	again := nethttp.New(s.sessions, nethttp.Config{})
	sub := http.NewServeMux()
	sub.Handle("/sub/", http.StripPrefix("/sub", again.Handler(s.mux)))
	sub.Handle("/", s.mux)
	open := serve(t, 1, s.Handler(s.Handler(sub)))
	for _, prefix := range []string{"", "/sub"} {
		b := open("")
		before := s.db.calls()
		if a := b.do("GET", prefix+"/set?note=once"); len(a.Header["Set-Cookie"]) != 1 || len(a.Header["Vary"]) != 1 {
			t.Errorf("%s: got %v, want one cookie and one Vary", prefix, a.Header)
		}
		if got := s.db.calls() - before; got != 1 {
			t.Errorf("%s: %d store calls, want 1", prefix, got)
		}
		b.want(prefix+"/get", 200, "user= note=once")
		if got := s.db.calls() - before; got != 2 {
			t.Errorf("%s: %d store calls, want 2", prefix, got)
		}
	}
}

// TestTwoManagers: each has its own session and cookie, whichever is outside.
func TestTwoManagers(t *testing.T) {
	t.Parallel()
	customers := newSite(t, session.Config{}, nethttp.Config{})
	staff := newSite(t, session.Config{Cookie: session.Cookie{Name: "__Host-staff", SameSite: session.SameSiteStrict}}, nethttp.Config{})
	both := func(w http.ResponseWriter, r *http.Request) {
		c, err := customers.sessions.From(r.Context())
		if err != nil {
			customers.Error(w, r, err)
			return
		}
		s, err := staff.sessions.From(r.Context())
		if err != nil {
			staff.Error(w, r, err)
			return
		}
		inner, err := session.From(r.Context())
		if err != nil {
			t.Error(err)
			return
		}
		switch r.URL.Path {
		case "/login":
			c.Login("alice")
			s.Login("root")
		case "/logout":
			s.Logout()
		case "/wrong-customer":
			wrong.Set(c, nil)
			s.Login("eve")
		case "/wrong-staff":
			c.Login("eve")
			wrong.Set(s, nil)
		}
		_, _ = fmt.Fprintf(w, "%s %s inner=%s", c.User(), s.User(), inner.User())
	}
	for name, h := range map[string]http.Handler{
		"staff inside":     customers.Handler(staff.Handler(http.HandlerFunc(both))),
		"customers inside": staff.Handler(customers.Handler(http.HandlerFunc(both))),
	} {
		inner := "root"
		if name == "customers inside" {
			inner = "alice"
		}
		b := serve(t, 2, h)("")
		if a := b.want("/login", 200, "alice root inner="+inner); len(a.Header["Set-Cookie"]) != 2 || len(a.Header["Vary"]) != 1 {
			t.Errorf("%s: got %v, want two cookies and one Vary", name, a.Header)
		}
		b.want("/", 200, "alice root inner="+inner)
		for _, path := range []string{"/wrong-customer", "/wrong-staff"} {
			b.want(path, 500, "Internal Server Error\n")
		}
		if a := b.do("GET", "/logout"); len(a.Header["Set-Cookie"]) != 1 || !strings.HasPrefix(a.Header.Get("Set-Cookie"), "__Host-staff=;") {
			t.Errorf("%s: logout answers %v", name, a.Header)
		}
	}
}

// TestWithoutMiddleware: a route outside of Handler is an error of the application, told as such.
func TestWithoutMiddleware(t *testing.T) {
	t.Parallel()
	var got error
	m := sessiontest.New(t, session.Config{})
	bare := nethttp.New(m, nethttp.Config{Error: func(w http.ResponseWriter, _ *http.Request, err error) {
		got = err
		w.WriteHeader(500)
	}})
	for name, h := range map[string]http.Handler{
		"With":         bare.With(func(http.ResponseWriter, *http.Request, session.Session) { t.Error("called") }),
		"Require":      bare.Require(http.NotFoundHandler()),
		"RequireFresh": bare.RequireFresh(1)(http.NotFoundHandler()),
	} {
		if w := get(h, "/", nil); w.Code != 500 || got != session.ErrNoSession {
			t.Errorf("%s: got %d, %v; want 500 and ErrNoSession", name, w.Code, got)
		}
	}
}

// TestOuterRequest: the server still removes the temporary files of uploads, and middleware outside sees the pattern.
func TestOuterRequest(t *testing.T) {
	for _, protocol := range []int{1, 2} {
		dir := t.TempDir()
		t.Setenv("TMPDIR", dir)
		s := newSite(t, session.Config{}, nethttp.Config{})
		s.mux.HandleFunc("POST /upload/{name}", func(_ http.ResponseWriter, r *http.Request) {
			if err := r.ParseMultipartForm(1); err != nil {
				t.Error(err)
			}
			if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
				t.Errorf("HTTP/%d: %d files during the upload, %v; want 1", protocol, len(files), err)
			}
		})
		var pattern string
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s.handler().ServeHTTP(w, r)
			pattern = r.Pattern
		}))
		server.EnableHTTP2 = protocol == 2
		server.StartTLS()
		var body bytes.Buffer
		form := multipart.NewWriter(&body)
		part, err := form.CreateFormFile("file", "big.bin")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = part.Write(make([]byte, 11<<20))
		_ = form.Close()
		res, err := server.Client().Post(server.URL+"/upload/x", form.FormDataContentType(), &body)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		server.Close() // waits for the request to end
		if files, err := os.ReadDir(dir); err != nil || len(files) != 0 {
			t.Errorf("HTTP/%d: %d files after the upload, %v; want none", protocol, len(files), err)
		}
		if pattern != "POST /upload/{name}" {
			t.Errorf("HTTP/%d: outside the pattern is %q", protocol, pattern)
		}
	}
}
