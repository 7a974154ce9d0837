package nethttp_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/qsessions/qsessions/adapters/nethttp"
	"github.com/qsessions/qsessions/core/session"
)

// responses are the ways in which handlers answer.
var responses = map[string]struct {
	method string
	header string // of the request: "Name: value"
	status int
	body   string
	write  func(w http.ResponseWriter, r *http.Request)
}{
	"nothing":   {"GET", "", 200, "", func(http.ResponseWriter, *http.Request) {}},
	"empty":     {"GET", "", 200, "", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(nil) }},
	"Write":     {"GET", "", 200, "hi", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hi")) }},
	"string":    {"GET", "", 200, "hi", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hi") }},
	"201":       {"POST", "", 201, "hi", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(201); _, _ = io.WriteString(w, "hi") }},
	"204":       {"DELETE", "", 204, "", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }},
	"304":       {"GET", "", 304, "", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(304) }},
	"404":       {"GET", "", 404, "404 page not found\n", http.NotFound},
	"redirect":  {"POST", "", 303, "", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusSeeOther) }},
	"HEAD":      {"HEAD", "", 200, "", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hi") }},
	"HEAD only": {"HEAD", "", 200, "", func(http.ResponseWriter, *http.Request) {}},
	"OPTIONS":   {"OPTIONS", "", 204, "", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Allow", "GET"); w.WriteHeader(204) }},
	"copy": {"GET", "", 200, strings.Repeat("x", 5000), func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.Copy(w, struct{ io.Reader }{strings.NewReader(strings.Repeat("x", 5000))})
	}},
	"copy nothing": {"GET", "", 200, "", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.Copy(w, struct{ io.Reader }{strings.NewReader("")})
	}},
	"Flush first": {"GET", "", 200, "hi", func(w http.ResponseWriter, _ *http.Request) {
		w.(http.Flusher).Flush()
		_, _ = io.WriteString(w, "hi")
	}},
	"controller's Flush first": {"GET", "", 200, "hi", func(w http.ResponseWriter, _ *http.Request) {
		_ = http.NewResponseController(w).Flush()
		_, _ = io.WriteString(w, "hi")
	}},
	"ServeContent":       {"GET", "", 200, "0123456789", serveContent},
	"ServeContent range": {"GET", "Range: bytes=2-4", 206, "234", serveContent},
	"ServeContent 304":   {"GET", `If-None-Match: "v1"`, 304, "", serveContent},
	"early hints": {"GET", "", 200, "hi", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusEarlyHints)
		_, _ = io.WriteString(w, "hi")
	}},
}

func serveContent(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Etag", `"v1"`)
	http.ServeContent(w, r, "a.txt", time.Time{}, strings.NewReader("0123456789"))
}

// TestResponse: SEC-34, CVE-52, BAD-70. However a handler answers, a new session has one cookie that must not be stored,
// one that was only looked at makes the response vary, and an unseen one does nothing.
func TestResponse(t *testing.T) {
	t.Parallel()
	eachProtocol(t, func(t *testing.T, protocol int) {
		for name, c := range responses {
			s := newSite(t, session.Config{}, nethttp.Config{})
			s.mux.HandleFunc("/unseen", c.write)
			s.on("/seen", func(w http.ResponseWriter, r *http.Request, _ session.Session) { c.write(w, r) })
			s.on("/new", func(w http.ResponseWriter, r *http.Request, s session.Session) { note.Set(s, "kept"); c.write(w, r) })
			b := serve(t, protocol, s.handler())("")
			for path, want := range map[string]struct{ cookies, vary int }{"/unseen": {0, 0}, "/seen": {0, 1}, "/new": {1, 1}} {
				var hints []http.Header
				a := b.do(c.method, path, func(r *http.Request) {
					if field, value, ok := strings.Cut(c.header, ": "); ok {
						r.Header.Set(field, value)
					}
					*r = *r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
						Got1xxResponse: func(_ int, h textproto.MIMEHeader) error { hints = append(hints, http.Header(h)); return nil },
					}))
				})
				if a.StatusCode != c.status || a.body != c.body {
					t.Errorf("%s %s: got %d %.40q, want %d %.40q", name, path, a.StatusCode, a.body, c.status, c.body)
				}
				if got := len(a.Header["Set-Cookie"]); got != want.cookies {
					t.Errorf("%s %s: %d cookies, want %d: %v", name, path, got, want.cookies, a.Header)
				}
				if got := a.Header["Vary"]; len(got) != want.vary || len(got) == 1 && got[0] != "Cookie" {
					t.Errorf("%s %s: Vary %q, want %d lines", name, path, got, want.vary)
				}
				if got := a.Header.Get("Cache-Control") == "no-store"; got != (want.cookies == 1) {
					t.Errorf("%s %s: no-store is %t with %d cookies", name, path, got, want.cookies)
				}
				for _, h := range hints {
					if h.Get("Set-Cookie") != "" || h.Get("Link") == "" {
						t.Errorf("%s %s: an informational response has %v", name, path, h)
					}
				}
				if name == "early hints" && len(hints) != 2 {
					t.Errorf("%s %s: %d informational responses, want 2", name, path, len(hints))
				}
			}
			b.want("/get", 200, "user= note=kept")
			if got := s.rows(); got != 1 {
				t.Errorf("%s: %d rows, want 1", name, got)
			}
		}
	})
}

// TestFailedCommit: whatever the handler answers, a client gets the error page alone, and the handler gets the error.
func TestFailedCommit(t *testing.T) {
	t.Parallel()
	eachProtocol(t, func(t *testing.T, protocol int) {
		for name, c := range responses {
			s := newSite(t, session.Config{}, nethttp.Config{})
			answer := func(w http.ResponseWriter, r *http.Request) {
				for _, field := range []string{"Content-Encoding", "Content-Disposition", "Clear-Site-Data", "Refresh", "Expires"} {
					w.Header().Set(field, "x")
				}
				w.Header().Set("Content-Type", "image/png")
				w.Header().Set("X-Mine", "kept")
				w.Header().Set("Cache-Control", "public, max-age=600")
				c.write(w, r)
				if n, err := w.Write([]byte("more")); n != 0 || err == nil {
					t.Errorf("%s: a write after the failure returned %d, %v", name, n, err)
				}
				if n, err := io.WriteString(w, "more"); n != 0 || err == nil {
					t.Errorf("%s: WriteString after the failure returned %d, %v", name, n, err)
				}
				if n, err := io.Copy(w, struct{ io.Reader }{strings.NewReader("more")}); n != 0 || err == nil {
					t.Errorf("%s: a copy after the failure returned %d, %v", name, n, err)
				}
				if err := http.NewResponseController(w).Flush(); err == nil {
					t.Errorf("%s: Flush after the failure returned nil", name)
				}
				w.WriteHeader(299)
				w.Header().Set(http.TrailerPrefix+"X-Trailer", "x")
			}
			s.on("/wrong", func(w http.ResponseWriter, r *http.Request, s session.Session) { wrong.Set(s, nil); answer(w, r) })
			s.on("/down", func(w http.ResponseWriter, r *http.Request, x session.Session) {
				note.Set(x, "lost")
				s.db.down.Store(true)
				answer(w, r)
			})
			b := serve(t, protocol, s.handler())("")
			for path, status := range map[string]int{"/wrong": 500, "/down": 503} {
				s.db.down.Store(false)
				a := b.do(c.method, path)
				body := http.StatusText(status) + "\n"
				if c.method == "HEAD" {
					body = ""
				}
				if a.StatusCode != status || a.body != body {
					t.Errorf("%s %s: got %d %q, want %d %q", name, path, a.StatusCode, a.body, status, body)
				}
				if len(a.Trailer) != 0 {
					t.Errorf("%s %s: the handler's trailer was sent: %v", name, path, a.Trailer)
				}
				if (a.Header.Get("Retry-After") != "") != (status == 503) {
					t.Errorf("%s %s: Retry-After is %q", name, path, a.Header.Get("Retry-After"))
				}
				for field, want := range map[string]string{
					"Set-Cookie": "", "Location": "", "Etag": "", "Content-Encoding": "", "Content-Disposition": "", "Clear-Site-Data": "",
					"Refresh": "", "Expires": "", "X-Mine": "kept", "Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store", "Vary": "Cookie",
				} {
					if got := a.Header.Get(field); got != want {
						t.Errorf("%s %s: %s is %q, want %q", name, path, field, got, want)
					}
				}
			}
			s.db.down.Store(false)
			if got := s.rows(); got != 0 {
				t.Errorf("%s: %d rows, want 0", name, got)
			}
		}
	})
}

// TestServerError: a response with 500 or more commits nothing, but what Save stored before is told.
func TestServerError(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.Config{}, nethttp.Config{})
	s.on("/set-500", func(w http.ResponseWriter, _ *http.Request, s session.Session) {
		note.Set(s, "lost")
		s.Logout()
		http.Error(w, "oops", 500)
		note.Set(s, "late")
	})
	s.on("/save-500", func(w http.ResponseWriter, r *http.Request, s session.Session) {
		s.Rotate()
		note.Set(s, "saved")
		if err := s.Save(r.Context()); err != nil {
			t.Error(err)
		}
		note.Set(s, "lost")
		http.Error(w, "oops", http.StatusBadGateway)
	})
	b := serve(t, 1, s.handler())("")
	b.want("/login?user=alice", 200, "")
	if a := b.want("/set-500", 500, "oops\n"); !strings.Contains(a.Header.Get("Set-Cookie"), "Max-Age=0") {
		t.Error("ATK-10: a Logout was dropped by a response of failure")
	}
	b.want("/get", 200, "user= note=")
	b.want("/login?user=alice", 200, "")
	if a := b.want("/save-500", 502, "oops\n"); len(a.Header["Set-Cookie"]) != 1 {
		t.Errorf("after Save and 502: %d cookies, want 1", len(a.Header["Set-Cookie"]))
	}
	b.want("/get", 200, "user=alice note=saved")
}

// TestPanic: FLT-23. A panic goes on, commits nothing, and ends the session; what Save
// stored before is told by the handler that recovers.
func TestPanic(t *testing.T) {
	t.Parallel()
	recovering := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				if p := recover(); p != nil && p != http.ErrAbortHandler {
					http.Error(w, "recovered", 500)
				} else if p != nil {
					panic(p)
				}
			}()
			next.ServeHTTP(w, r)
		})
	}
	for name, wrap := range map[string]func(s *site) http.Handler{
		"not recovered":     func(s *site) http.Handler { return s.handler() },
		"recovered outside": func(s *site) http.Handler { return recovering(s.handler()) },
		"recovered inside":  func(s *site) http.Handler { return s.Handler(recovering(s.mux)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, session.Config{}, nethttp.Config{})
			var kept session.Session
			s.on("/panic", func(_ http.ResponseWriter, r *http.Request, s session.Session) {
				kept = s
				note.Set(s, "saved")
				if err := s.Save(r.Context()); err != nil {
					t.Error(err)
				}
				note.Set(s, "lost")
				panic("boom")
			})
			s.on("/abort", func(_ http.ResponseWriter, _ *http.Request, s session.Session) {
				note.Set(s, "lost")
				panic(http.ErrAbortHandler)
			})
			s.on("/late", func(w http.ResponseWriter, _ *http.Request, s session.Session) {
				_, _ = io.WriteString(w, "some")
				note.Set(s, "lost")
				panic(http.ErrAbortHandler)
			})
			b := serve(t, 1, s.handler())("")
			b.client.Transport.(*http.Transport).DisableKeepAlives = true // else a request is sent again
			b.url = serve(t, 1, wrap(s))("").url
			a, err := b.try("GET", "/panic")
			if name == "not recovered" {
				if err == nil {
					t.Errorf("the panic became %d", a.StatusCode)
				}
			} else if err != nil || a.StatusCode != 500 || len(a.Header["Set-Cookie"]) != 1 {
				t.Errorf("got %v, %v; want 500 with the cookie of Save", a.Response, err)
			} else {
				b.want("/get", 200, "user= note=saved")
			}
			for _, path := range []string{"/abort", "/late"} {
				if a, err := b.try("GET", path); err == nil {
					t.Errorf("%s became %d", path, a.StatusCode)
				}
			}
			if got := s.rows(); got != 1 {
				t.Errorf("%d rows, want the one that was saved", got)
			}
			if note.Set(kept, "x"); !errors.Is(kept.Err(), session.ErrClosed) {
				t.Errorf("after the request Set fails with %v, want ErrClosed", kept.Err())
			}
		})
	}
}

// TestVaryOnce: a Vary of the application is kept, and not doubled.
func TestVaryOnce(t *testing.T) {
	t.Parallel()
	for had, want := range map[string][]string{
		"Accept":         {"Accept, Cookie"},
		"Accept, cookie": {"Accept, cookie"},
		"*":              {"*"},
	} {
		s := newSite(t, session.Config{}, nethttp.Config{})
		s.on("/", func(w http.ResponseWriter, _ *http.Request, s session.Session) {
			w.Header().Set("Vary", had)
			w.Header().Set("Cache-Control", "private, no-store")
			note.Set(s, "x")
		})
		h := get(s.handler(), "/", nil).Header()
		if got := h["Vary"]; !slices.Equal(got, want) {
			t.Errorf("Vary %q became %q, want %q", had, got, want)
		}
		if got := h.Get("Cache-Control"); got != "private, no-store" {
			t.Errorf("Cache-Control became %q", got)
		}
	}
}
