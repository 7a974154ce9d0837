package fibersession_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gofiber/fiber/v3"
	"github.com/valyala/fasthttp"

	fibersession "github.com/qsessions/qsessions/adapters/fiber"
	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
)

const (
	note  session.Key[string]   = "note"
	count session.Key[int]      = "count"
	wrong session.Key[chan int] = "wrong" // cannot be encoded
)

// countingStore counts the calls, and can be out. All of them must have a deadline: contexts of Fiber have none.
type countingStore struct {
	memory.Store
	t            testing.TB
	loads, other atomic.Int64
	down         atomic.Bool
}

func (c *countingStore) call(ctx context.Context, n *atomic.Int64) error {
	if _, ok := ctx.Deadline(); !ok {
		c.t.Error("a store call without a deadline")
	}
	n.Add(1)
	if c.down.Load() {
		return fmt.Errorf("dial tcp 192.0.2.9:5432: %w", store.ErrUnavailable)
	}
	return nil
}

func (c *countingStore) Load(ctx context.Context, id store.ID) (*store.Record, error) {
	if err := c.call(ctx, &c.loads); err != nil {
		return nil, err
	}
	return c.Store.Load(ctx, id)
}

func (c *countingStore) Create(ctx context.Context, r *store.Record) error {
	if err := c.call(ctx, &c.other); err != nil {
		return err
	}
	return c.Store.Create(ctx, r)
}

func (c *countingStore) Save(ctx context.Context, r *store.Record) error {
	if err := c.call(ctx, &c.other); err != nil {
		return err
	}
	return c.Store.Save(ctx, r)
}

func (c *countingStore) Touch(ctx context.Context, r *store.Record, t store.Touch) error {
	if err := c.call(ctx, &c.other); err != nil {
		return err
	}
	return c.Store.Touch(ctx, r, t)
}

func (c *countingStore) Delete(ctx context.Context, ids ...store.ID) error {
	if err := c.call(ctx, &c.other); err != nil {
		return err
	}
	return c.Store.Delete(ctx, ids...)
}

func (c *countingStore) calls() int64 { return c.loads.Load() + c.other.Load() }

// site is an application with sessions over a store in memory.
type site struct {
	*fiber.App
	t        testing.TB
	db       *countingStore
	sessions *session.Manager
}

func newSite(t testing.TB, sc session.Config, c fibersession.Config, fc ...fiber.Config) *site {
	t.Helper()
	s := bareSite(t, sc, fc...)
	s.Use(fibersession.New(s.sessions, c))
	s.routes()
	return s
}

// bareSite has no middleware and no routes yet.
func bareSite(t testing.TB, sc session.Config, fc ...fiber.Config) *site {
	t.Helper()
	db := &countingStore{t: t}
	m, err := session.New(db, sc)
	if err != nil {
		t.Fatal(err)
	}
	return &site{fiber.New(fc...), t, db, m}
}

func (s *site) routes() {
	s.on("/login", func(c fiber.Ctx, s session.Session) error { s.Login(c.Query("user")); return nil })
	s.on("/logout", func(_ fiber.Ctx, s session.Session) error { s.Logout(); return nil })
	s.on("/set", func(c fiber.Ctx, s session.Session) error { note.Set(s, c.Query("note")); return nil })
	s.on("/get", func(c fiber.Ctx, s session.Session) error {
		return c.SendString("user=" + s.User() + " note=" + note.Get(s))
	})
}

// on adds a route whose handler is given its session.
func (s *site) on(path string, f func(fiber.Ctx, session.Session) error) {
	s.All(path, fibersession.With(s.sessions, f))
}

// rows returns how many live sessions the store has.
func (s *site) rows() int {
	s.t.Helper()
	all, err := session.Collect(s.sessions.Find(context.Background(), session.Query{}))
	if err != nil {
		s.t.Fatal(err)
	}
	return len(all)
}

// serve serves app over TLS, as browsers want it for the default cookie, and returns a function that opens browsers.
func serve(t testing.TB, app *fiber.App) func(userAgent string) *browser {
	t.Helper()
	lender := httptest.NewTLSServer(http.NotFoundHandler()) // has a certificate, and clients that trust it
	t.Cleanup(lender.Close)
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	start(t, app, tls.NewListener(l, &tls.Config{Certificates: lender.TLS.Certificates}))
	return func(userAgent string) *browser {
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		c := *lender.Client()
		c.Jar = jar
		c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		return &browser{t: t, url: "https://" + l.Addr().String(), client: &c, userAgent: userAgent}
	}
}

// start serves app on l until the test ends.
func start(t testing.TB, app *fiber.App, l net.Listener) {
	done := make(chan error, 1)
	go func() { done <- app.Listener(l, fiber.ListenConfig{DisableStartupMessage: true}) }()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
}

// browser is a client with a cookie jar.
type browser struct {
	t         testing.TB
	url       string
	client    *http.Client
	userAgent string
}

// answer is a response whose body was read.
type answer struct {
	*http.Response
	body string
}

func (b *browser) do(method, path string, edit ...func(*http.Request)) answer {
	b.t.Helper()
	a, err := b.try(method, path, edit...)
	if err != nil {
		b.t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

func (b *browser) try(method, path string, edit ...func(*http.Request)) (answer, error) {
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, nil)
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("User-Agent", b.userAgent)
	for _, f := range edit {
		f(req)
	}
	res, err := b.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	return answer{res, string(body)}, err
}

// want fails unless GET path answers with status and body.
func (b *browser) want(path string, status int, body string) answer {
	b.t.Helper()
	a := b.do("GET", path)
	if a.StatusCode != status || a.body != body {
		b.t.Errorf("GET %s: got %d %q, want %d %q", path, a.StatusCode, a.body, status, body)
	}
	return a
}

// call serves one request without a network.
func (s *site) call(r *http.Request) answer {
	s.t.Helper()
	res, err := s.Test(r, fiber.TestConfig{})
	if err != nil {
		s.t.Fatalf("%s %s: %v", r.Method, r.URL, err)
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{res, string(body)}
}

// get is call of a GET with header lines.
func (s *site) get(path string, header http.Header) answer {
	s.t.Helper()
	r := httptest.NewRequest("GET", path, nil)
	maps.Copy(r.Header, header)
	return s.call(r)
}

// direct serves one request in this goroutine, and returns the header of the response, until the next call.
func (s *site) direct(h fasthttp.RequestHandler, path, cookie string) *fasthttp.ResponseHeader {
	var c fasthttp.RequestCtx
	c.Request.SetRequestURI(path)
	if cookie != "" {
		c.Request.Header.Set("Cookie", cookie)
	}
	h(&c)
	return &c.Response.Header
}

// logBuffer is a writer for logs of several goroutines.
type logBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
