package nethttp_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/qsessions/qsessions/adapters/nethttp"
	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
)

const (
	note  session.Key[string]   = "note"
	count session.Key[int]      = "count"
	flash session.Key[[]string] = "flash"
	wrong session.Key[chan int] = "wrong" // cannot be encoded
)

// countingStore counts the calls, and can be out.
type countingStore struct {
	memory.Store
	loads, creates, saves, touches, deletes atomic.Int64
	touched                                 atomic.Int64 // touches that were accepted
	down                                    atomic.Bool
}

func (c *countingStore) call(n *atomic.Int64) error {
	n.Add(1)
	if c.down.Load() {
		return fmt.Errorf("dial tcp 192.0.2.9:5432: %w", store.ErrUnavailable)
	}
	return nil
}

func (c *countingStore) Load(ctx context.Context, id store.ID) (*store.Record, error) {
	if err := c.call(&c.loads); err != nil {
		return nil, err
	}
	return c.Store.Load(ctx, id)
}

func (c *countingStore) Create(ctx context.Context, r *store.Record) error {
	if err := c.call(&c.creates); err != nil {
		return err
	}
	return c.Store.Create(ctx, r)
}

func (c *countingStore) Save(ctx context.Context, r *store.Record) error {
	if err := c.call(&c.saves); err != nil {
		return err
	}
	return c.Store.Save(ctx, r)
}

func (c *countingStore) Touch(ctx context.Context, r *store.Record, t store.Touch) error {
	if err := c.call(&c.touches); err != nil {
		return err
	}
	err := c.Store.Touch(ctx, r, t)
	if err == nil {
		c.touched.Add(1)
	}
	return err
}

func (c *countingStore) Delete(ctx context.Context, ids ...store.ID) error {
	if err := c.call(&c.deletes); err != nil {
		return err
	}
	return c.Store.Delete(ctx, ids...)
}

func (c *countingStore) calls() int64 {
	return c.loads.Load() + c.creates.Load() + c.saves.Load() + c.touches.Load() + c.deletes.Load()
}

// site is an application with sessions over a store in memory.
type site struct {
	*nethttp.Middleware
	t        testing.TB
	db       *countingStore
	sessions *session.Manager
	mux      *http.ServeMux
}

func newSite(t testing.TB, sc session.Config, nc nethttp.Config) *site {
	t.Helper()
	db := new(countingStore)
	m, err := session.New(db, sc)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{nethttp.New(m, nc), t, db, m, http.NewServeMux()}
	s.on("/login", func(_ http.ResponseWriter, r *http.Request, s session.Session) { s.Login(r.FormValue("user")) })
	s.on("/logout", func(_ http.ResponseWriter, _ *http.Request, s session.Session) { s.Logout() })
	s.on("/set", func(_ http.ResponseWriter, r *http.Request, s session.Session) { note.Set(s, r.FormValue("note")) })
	s.on("/get", func(w http.ResponseWriter, _ *http.Request, s session.Session) {
		_, _ = fmt.Fprintf(w, "user=%s note=%s", s.User(), note.Get(s))
	})
	return s
}

// on adds a route whose handler is given its session.
func (s *site) on(pattern string, f func(http.ResponseWriter, *http.Request, session.Session)) {
	s.mux.Handle(pattern, s.With(f))
}

func (s *site) handler() http.Handler { return s.Handler(s.mux) }

// rows returns how many live sessions the store has.
func (s *site) rows() int {
	s.t.Helper()
	all, err := session.Collect(s.sessions.Find(context.Background(), session.Query{}))
	if err != nil {
		s.t.Fatal(err)
	}
	return len(all)
}

// serve serves h over TLS, as browsers want it for the default cookie, and returns a function that opens browsers.
func serve(t testing.TB, protocol int, h http.Handler) func(userAgent string) *browser {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.EnableHTTP2 = protocol == 2
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return func(userAgent string) *browser {
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		c := *server.Client()
		c.Jar = jar
		c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		return &browser{t: t, url: server.URL, client: &c, userAgent: userAgent}
	}
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

// eachProtocol runs f for HTTP/1 and HTTP/2.
func eachProtocol(t *testing.T, f func(t *testing.T, protocol int)) {
	for _, p := range []int{1, 2} {
		t.Run(fmt.Sprintf("HTTP/%d", p), func(t *testing.T) {
			t.Parallel()
			f(t, p)
		})
	}
}

// call serves one request without a network.
func call(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// get is call of a GET with header lines.
func get(h http.Handler, path string, header http.Header) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", path, nil)
	maps.Copy(r.Header, header)
	return call(h, r)
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
