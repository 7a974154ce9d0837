package itest

import (
	"bufio"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	chimiddleware "github.com/go-chi/chi/v5/middleware"
	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"

	"github.com/qsessions/qsessions/adapters/nethttp"
	"github.com/qsessions/qsessions/core/clientip"
	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/session"
)

// A handler of all frameworks: its error is given to the framework.
type handler func(http.ResponseWriter, *http.Request, session.Session) error

// handlers have a route each.
var handlers = map[string]handler{
	"/login":  func(_ http.ResponseWriter, _ *http.Request, s session.Session) error { s.Login("alice"); return nil },
	"/logout": func(_ http.ResponseWriter, _ *http.Request, s session.Session) error { s.Logout(); return errOther },
	"/get": func(w http.ResponseWriter, _ *http.Request, s session.Session) error {
		_, err := io.WriteString(w, s.User()+" "+note.Get(s))
		return err
	},
	"/fail": func(_ http.ResponseWriter, _ *http.Request, s session.Session) error {
		note.Set(s, "fail")
		return errOther
	},
	"/panic": func(_ http.ResponseWriter, _ *http.Request, s session.Session) error {
		note.Set(s, "panic")
		panic("now")
	},
	"/late": func(w http.ResponseWriter, _ *http.Request, s session.Session) error {
		note.Set(s, "late")
		_, _ = io.WriteString(w, "begun")
		return errOther
	},
	"/events": func(w http.ResponseWriter, r *http.Request, s session.Session) error {
		note.Set(s, "events")
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 2 {
			_, _ = fmt.Fprintf(w, "data: %d\n\n", i)
			if err := http.NewResponseController(w).Flush(); err != nil {
				return err
			}
		}
		<-r.Context().Done()
		return nil
	},
	"/socket": func(w http.ResponseWriter, r *http.Request, s session.Session) error {
		note.Set(s, "socket")
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return nil // it has been answered
		}
		defer c.CloseNow()
		return c.Write(r.Context(), websocket.MessageText, []byte(s.User()))
	},
}

// frameworks serve handlers, each inside of the sessions.
var frameworks = map[string]func(*session.Manager) (http.Handler, error){
	"chi": func(m *session.Manager) (http.Handler, error) {
		site := nethttp.New(m, nethttp.Config{})
		return site.Handler(chiRouter(site)), nil
	},
	"chi, used": func(m *session.Manager) (http.Handler, error) {
		site := nethttp.New(m, nethttp.Config{})
		r := chi.NewRouter()
		r.Use(chimiddleware.RequestLogger(&chimiddleware.DefaultLogFormatter{Logger: quiet{}}), site.Handler)
		r.Mount("/", chiRouter(site))
		return r, nil
	},
	"gin": func(m *session.Manager) (http.Handler, error) {
		r := gin.New()
		r.Use(gin.Recovery())
		for path, f := range handlers {
			r.Any(path, func(c *gin.Context) {
				s, err := m.From(c.Request.Context())
				if err == nil {
					err = f(c.Writer, c.Request, s)
				}
				if err != nil {
					_ = c.AbortWithError(500, err)
				}
			})
		}
		return nethttp.New(m, nethttp.Config{}).Handler(r), nil
	},
	"echo": func(m *session.Manager) (http.Handler, error) {
		e := echoRouter(m)
		e.Use(middleware.Recover())
		return nethttp.New(m, nethttp.Config{}).Handler(e), nil
	},
}

type quiet struct{}

func (quiet) Print(...any) {}

func chiRouter(site *nethttp.Middleware) chi.Router {
	r := chi.NewRouter()
	r.Use(recovering, chimiddleware.Compress(5), chimiddleware.Timeout(time.Hour))
	for path, f := range handlers {
		r.HandleFunc(path, site.With(func(w http.ResponseWriter, r *http.Request, s session.Session) {
			if f(w, r, s) != nil {
				http.Error(w, "failed", http.StatusInternalServerError)
			}
		}))
	}
	return r
}

func echoRouter(m *session.Manager) *echo.Echo {
	e := echo.New()
	for path, f := range handlers {
		e.Any(path, func(c *echo.Context) error {
			s, err := m.From(c.Request().Context())
			if err != nil {
				return err
			}
			return f(c.Response(), c.Request(), s)
		})
	}
	return e
}

// TestFrameworkFaults: RPT-44. In every framework a status of 500 and a recovered panic store nothing but a Logout, an error
// after the first byte comes too late for that, streams flow, and a WebSocket begins after the commit.
func TestFrameworkFaults(t *testing.T) {
	t.Parallel()
	for name, app := range frameworks {
		for _, protocol := range []int{1, 2} {
			t.Run(fmt.Sprint(name, "/HTTP/", protocol), func(t *testing.T) {
				t.Parallel()
				v := serve(t, protocol, app)
				c := v.browser()
				want := func(path, want string) {
					t.Helper()
					if got := v.do(c, "GET", path); !strings.HasPrefix(got, want) {
						t.Errorf("%s: got %q, want %q", path, got, want)
					}
				}
				want("/login", "200")
				want("/get", "200 alice")
				for _, path := range []string{"/fail", "/panic"} {
					want(path, "500")
					want("/get", "200 alice")
				}
				want("/late", "200 begun")
				want("/get", "200 alice late")

				ctx, cancel := context.WithCancel(t.Context())
				r, err := http.NewRequestWithContext(ctx, "GET", v.server.URL+"/events", nil)
				if err != nil {
					t.Fatal(err)
				}
				res, err := c.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				lines := bufio.NewReader(res.Body)
				for _, want := range []string{"data: 0\n", "\n", "data: 1\n", "\n"} {
					if line, err := lines.ReadString('\n'); line != want || err != nil {
						t.Errorf("/events: got %q, %v, want %q", line, err, want)
					}
				}
				want("/get", "200 alice events")
				cancel()
				_ = res.Body.Close()

				if protocol == 1 {
					socket, _, err := websocket.Dial(t.Context(), v.server.URL+"/socket", &websocket.DialOptions{HTTPClient: c})
					if err != nil {
						t.Fatal(err)
					}
					if _, b, err := socket.Read(t.Context()); string(b) != "alice" || err != nil {
						t.Errorf("/socket: got %q, %v", b, err)
					}
					_ = socket.CloseNow()
					want("/get", "200 alice socket")
				}
				want("/logout", "500")
				want("/get", "200")
				if got := v.do(c, "GET", "/get"); strings.Contains(got, "alice") {
					t.Errorf("after a Logout that ended in 500: %s", got)
				}
				if text := v.logs.String(); name != "chi" && strings.Contains(text, "superfluous") || strings.Contains(text, "from outside") { // chi's /late is
					t.Errorf("logged: %s", text)
				}
			})
		}
	}
}

// TestEchoInside: RPT-44. Within echo, by WrapMiddleware, the middleware cannot see the status of an error that a handler
// returns: it has committed, cookie and store agree, and the log says to wrap from outside. Nothing else is lost.
func TestEchoInside(t *testing.T) {
	t.Parallel()
	v := serve(t, 1, func(m *session.Manager) (http.Handler, error) {
		e := echoRouter(m)
		e.Use(echo.WrapMiddleware(nethttp.New(m, nethttp.Config{}).Handler), middleware.Recover())
		return e, nil
	})
	c := v.browser()
	for _, step := range [][2]string{
		{"/login", "200"}, {"/get", "200 alice"}, {"/late", "200 begun"}, {"/get", "200 alice late"},
		{"/fail", "500"}, {"/get", "200 alice fail"}, {"/panic", "500"}, {"/get", "200 alice panic"}, {"/logout", "500"}, {"/get", "200"},
	} {
		got, header := v.send(c, "GET", step[0])
		if !strings.HasPrefix(got, step[1]) || header.Get("Vary") != "Cookie" || header.Get("Cache-Control") == "" && strings.Contains(step[1], "alice") {
			t.Errorf("%s: got %q, %v, want %q", step[0], got, header, step[1])
		}
	}
	if got := v.do(c, "GET", "/get"); strings.Contains(got, "alice") {
		t.Errorf("after Logout: %s", got)
	}
	if n := strings.Count(v.logs.String(), "site.Handler(router)"); n != 1 {
		t.Errorf("said %d times, want once: %s", n, v.logs)
	}
}

// TestGinInside: RPT-44. Within gin, handlers write past the middleware, and a new cookie is lost if they have written by the time
// that they return: the log says to wrap from outside. An answer without a body is written later, with its cookie.
func TestGinInside(t *testing.T) {
	t.Parallel()
	v := serve(t, 1, func(m *session.Manager) (http.Handler, error) {
		site := nethttp.New(m, nethttp.Config{})
		r := gin.New()
		r.Use(func(c *gin.Context) {
			site.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { c.Request = r; c.Next() })).ServeHTTP(c.Writer, c.Request)
		})
		login := func(c *gin.Context) {
			if s, err := m.From(c.Request.Context()); err == nil {
				s.Login("alice")
			}
		}
		r.GET("/empty", login)
		r.GET("/body", login, func(c *gin.Context) { c.String(http.StatusOK, "welcome") })
		return r, nil
	})
	for _, step := range []struct {
		path            string
		cookies, logged int
	}{{"/empty", 1, 0}, {"/body", 0, 1}, {"/body", 0, 1}} {
		got, header := v.send(v.browser(), "GET", step.path)
		if !strings.HasPrefix(got, "200") || len(header["Set-Cookie"]) != step.cookies {
			t.Errorf("%s: got %q, %v, want %d cookies", step.path, got, header, step.cookies)
		}
		if n := strings.Count(v.logs.String(), "site.Handler(router)"); n != step.logged {
			t.Errorf("%s: said %d times, want %d: %s", step.path, n, step.logged, v.logs)
		}
	}
}

// TestRealIP: RPT-37. Behind chi's RealIP, which believes what clients write, no address is believed, and the log says why;
// from outside RealIP it does no harm, and a Resolver finds what the proxy wrote.
func TestRealIP(t *testing.T) {
	t.Parallel()
	realIP := chimiddleware.RealIP //lint:ignore SA1019 it is what people have
	resolver, err := clientip.New(clientip.Config{Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		wrap   func(site *nethttp.Middleware, r chi.Router) http.Handler
		config nethttp.Config
		want   string
	}{
		"in front": {func(site *nethttp.Middleware, r chi.Router) http.Handler {
			r.Use(realIP, site.Handler)
			return r
		}, nethttp.Config{}, "invalid IP"},
		"in front, with a resolver": {func(site *nethttp.Middleware, r chi.Router) http.Handler {
			r.Use(realIP, site.Handler)
			return r
		}, nethttp.Config{ClientIP: resolver}, "invalid IP"},
		"inside": {func(site *nethttp.Middleware, r chi.Router) http.Handler {
			r.Use(realIP)
			return site.Handler(r)
		}, nethttp.Config{}, "127.0.0.1"},
		"inside, with a resolver": {func(site *nethttp.Middleware, r chi.Router) http.Handler {
			r.Use(realIP)
			return site.Handler(r)
		}, nethttp.Config{ClientIP: resolver}, "198.51.100.7"},
		"chi's own, by Config.Client": {func(site *nethttp.Middleware, r chi.Router) http.Handler {
			r.Use(chimiddleware.ClientIPFromXFF("127.0.0.0/8"), site.Handler)
			return r
		}, nethttp.Config{Client: func(r *http.Request) session.Client {
			return session.Client{IP: chimiddleware.GetClientIPAddr(r.Context()), UserAgent: r.UserAgent()}
		}}, "198.51.100.7"},
	} {
		v := serve(t, 1, func(m *session.Manager) (http.Handler, error) {
			site, r := nethttp.New(m, c.config), chi.NewRouter()
			h := c.wrap(site, r)
			r.Get("/login", site.With(func(_ http.ResponseWriter, _ *http.Request, s session.Session) { s.Login("alice") }))
			return h, nil
		})
		r, err := http.NewRequestWithContext(t.Context(), "GET", v.server.URL+"/login", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("True-Client-IP", "203.0.113.66")                // of the client's own making
		r.Header.Set("X-Forwarded-For", "203.0.113.66, 198.51.100.7") // the right end is the proxy's
		res, err := v.browser().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		all, err := session.Collect(v.sessions.Sessions(t.Context(), "alice"))
		if err != nil || len(all) != 1 {
			t.Fatal(all, err)
		}
		if got := all[0].IP.String(); got != c.want {
			t.Errorf("%s: the client is %s, want %s", name, got, c.want)
		}
		if said := strings.Contains(v.logs.String(), "RealIP"); said != (c.want == "invalid IP") {
			t.Errorf("%s: logged %q", name, v.logs)
		}
	}
}

// TestChiTimeout: RPT-44. What chi's Timeout answers, inside the sessions, stores nothing; a session that can no longer be
// loaded then is 503, and logged.
func TestChiTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, err := session.New(new(memory.Store), session.Config{})
		if err != nil {
			t.Fatal(err)
		}
		site, r := nethttp.New(m, nethttp.Config{}), chi.NewRouter()
		r.Use(chimiddleware.Timeout(time.Minute))
		r.Get("/slow", site.With(func(_ http.ResponseWriter, r *http.Request, s session.Session) {
			note.Set(s, "lost")
			<-r.Context().Done()
		}))
		w := httptest.NewRecorder()
		site.Handler(r).ServeHTTP(w, httptest.NewRequest("GET", "/slow", nil))
		if w.Code != http.StatusGatewayTimeout || w.Header()["Set-Cookie"] != nil {
			t.Errorf("got %d %v", w.Code, w.Header())
		}
		all, err := session.Collect(m.Find(t.Context(), session.Query{}))
		if err != nil || len(all) != 0 {
			t.Errorf("stored: %v, %v", all, err)
		}
	})
}

// TestChiCompress: RPT-44. A compressed response has its cookie, also where Compress is outside, and one whose session
// cannot be stored is the plain error page.
func TestChiCompress(t *testing.T) {
	t.Parallel()
	for name, build := range map[string]func(*nethttp.Middleware, http.Handler) http.Handler{
		"inside": func(site *nethttp.Middleware, h http.Handler) http.Handler {
			return site.Handler(chimiddleware.Compress(5)(h))
		},
		"outside": func(site *nethttp.Middleware, h http.Handler) http.Handler {
			return chimiddleware.Compress(5)(site.Handler(h))
		},
	} {
		db := new(outage)
		m, err := session.New(db, session.Config{})
		if err != nil {
			t.Fatal(err)
		}
		site, r := nethttp.New(m, nethttp.Config{}), chi.NewRouter()
		big := strings.Repeat("hello ", 1000)
		r.Get("/", site.With(func(w http.ResponseWriter, r *http.Request, s session.Session) {
			if note.Set(s, "x"); r.FormValue("wrong") != "" {
				session.Key[chan int]("wrong").Set(s, nil)
			}
			w.Header().Set("Content-Type", "text/plain")
			_, _ = io.WriteString(w, big)
		}))
		h := build(site, r)
		get := func(path string) *httptest.ResponseRecorder {
			w, r := httptest.NewRecorder(), httptest.NewRequest("GET", path, nil)
			r.Header.Set("Accept-Encoding", "gzip")
			h.ServeHTTP(w, r)
			return w
		}
		w := get("/")
		z, err := gzip.NewReader(w.Body)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if b, err := io.ReadAll(z); string(b) != big || err != nil || len(w.Header()["Set-Cookie"]) != 1 || w.Header().Get("Vary") == "" {
			t.Errorf("%s: %d bytes, %v, %v", name, len(b), err, w.Header())
		}
		w = get("/?wrong=1")
		var body io.Reader = w.Body
		if w.Header().Get("Content-Encoding") == "gzip" { // by Compress outside
			if body, err = gzip.NewReader(w.Body); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if b, err := io.ReadAll(body); w.Code != 500 || string(b) != "Internal Server Error\n" || err != nil || w.Header()["Set-Cookie"] != nil {
			t.Errorf("%s: not stored: got %d %q, %v, %v", name, w.Code, b, err, w.Header())
		}
	}
}

// TestChiMounts: RPT-43. Below Mount, Route and StripPrefix handlers have their session, and the log the path.
func TestChiMounts(t *testing.T) {
	t.Parallel()
	v := serve(t, 1, func(m *session.Manager) (http.Handler, error) {
		site := nethttp.New(m, nethttp.Config{})
		me := site.With(func(w http.ResponseWriter, r *http.Request, s session.Session) {
			_, _ = io.WriteString(w, s.User()+" "+r.URL.Path)
		})
		sub := chi.NewRouter()
		sub.Get("/me", me)
		sub.With(site.RequireLevel(1)).Get("/private", me)
		r := chi.NewRouter()
		r.Get("/login", site.With(func(_ http.ResponseWriter, _ *http.Request, s session.Session) { s.Login("alice") }))
		r.Mount("/mounted", sub)
		r.Handle("/stripped/*", http.StripPrefix("/stripped", sub))
		r.Route("/route", func(r chi.Router) {
			r.Use(site.Require, site.Passive)
			r.Method("GET", "/me", me)
			r.Get("/private", me)
		})
		return site.Handler(r), nil
	})
	c := v.browser()
	for _, step := range [][2]string{
		{"/mounted/private", "401 Unauthorized"}, {"/stripped/private", "401 Unauthorized"}, {"/route/private", "401 Unauthorized"},
		{"/login", "200 "}, {"/mounted/me", "200 alice /mounted/me"}, {"/stripped/private", "200 alice /private"}, {"/route/private", "200 alice /route/private"},
	} {
		if got := v.do(c, "GET", step[0]); got != step[1] {
			t.Errorf("%s: got %q, want %q", step[0], got, step[1])
		}
	}
	v.db.down.Store(true)
	for _, path := range []string{"/mounted/me", "/stripped/private", "/route/me"} {
		if got := v.do(c, "GET", path); got != "503 Service Unavailable" {
			t.Errorf("%s: %s", path, got)
		}
	}
	for _, line := range []string{`GET "/mounted/me"`, `GET "/private"`, `GET "/route/me"`} { // StripPrefix has changed the path
		if !strings.Contains(v.logs.String(), line) {
			t.Errorf("no %s in %s", line, v.logs)
		}
	}
}
