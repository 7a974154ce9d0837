package itest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.TestMode)
	gin.DefaultErrorWriter = io.Discard
	os.Exit(m.Run())
}

const note session.Key[string] = "note"

// outage is a store that can be out.
type outage struct {
	memory.Store
	down atomic.Bool
}

func (o *outage) Load(ctx context.Context, id store.ID) (*store.Record, error) {
	if o.down.Load() {
		return nil, fmt.Errorf("dial: %w", store.ErrUnavailable)
	}
	return o.Store.Load(ctx, id)
}

// logs is a log of several goroutines.
type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logs) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// A served application.
type served struct {
	t        *testing.T
	db       *outage
	sessions *session.Manager
	server   *httptest.Server
	logs     *logs
}

// serve serves an application over TLS.
func serve(t *testing.T, protocol int, app func(*session.Manager) (http.Handler, error)) *served {
	t.Helper()
	v := &served{t: t, db: new(outage), logs: new(logs)}
	var err error
	if v.sessions, err = session.New(v.db, session.Config{}); err != nil {
		t.Fatal(err)
	}
	h, err := app(v.sessions)
	if err != nil {
		t.Fatal(err)
	}
	v.server = httptest.NewUnstartedServer(h)
	v.server.EnableHTTP2 = protocol == 2
	v.server.Config.ErrorLog = log.New(v.logs, "", 0)
	v.server.StartTLS()
	t.Cleanup(v.server.Close)
	return v
}

// browser returns a new client with a cookie jar, which follows no redirects.
func (v *served) browser() *http.Client {
	c := *v.server.Client()
	c.Jar, _ = cookiejar.New(nil) // without options it never fails
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c
}

// do sends a request, and returns the status with the body.
func (v *served) do(c *http.Client, method, path string, form ...string) string {
	v.t.Helper()
	status, _ := v.send(c, method, path, form...)
	return status
}

func (v *served) send(c *http.Client, method, path string, form ...string) (string, http.Header) {
	v.t.Helper()
	values := url.Values{}
	for i := 0; i < len(form); i += 2 {
		values.Set(form[i], form[i+1])
	}
	r, err := http.NewRequestWithContext(v.t.Context(), method, v.server.URL+path, strings.NewReader(values.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	res, err := c.Do(r)
	if err != nil {
		v.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatalf("%s %s: %v", method, path, err)
	}
	return fmt.Sprint(res.StatusCode, " ", strings.TrimSpace(string(body))), res.Header
}

// documented has the applications of docs/frameworks.md.
var documented = map[string]func(*session.Manager) (http.Handler, error){
	"chi":  chiApp,
	"gin":  func(m *session.Manager) (http.Handler, error) { return ginApp(m, nil) },
	"echo": echoApp,
}

// TestFrameworks: RPT-43, RPT-44. The applications of docs/frameworks.md sign in, show, revoke and refuse.
func TestFrameworks(t *testing.T) {
	t.Parallel()
	for name, app := range documented {
		for _, protocol := range []int{1, 2} {
			t.Run(fmt.Sprint(name, "/HTTP/", protocol), func(t *testing.T) {
				t.Parallel()
				v := serve(t, protocol, app)
				phone, laptop, eve := v.browser(), v.browser(), v.browser()
				want := func(got, want string) {
					t.Helper()
					if got != want && !(strings.HasSuffix(want, "…") && strings.HasPrefix(got, strings.TrimSuffix(want, "…"))) {
						t.Errorf("got %q, want %q", got, want)
					}
				}
				want(v.do(phone, "GET", "/"), `200 user ""`)
				want(v.do(phone, "GET", "/devices"), "401 Unauthorized")
				want(v.do(phone, "GET", "/nothing"), "404…")
				for c, user := range map[*http.Client]string{phone: "alice", laptop: "alice", eve: "eve"} {
					want(v.do(c, "POST", "/login", "user", user), "303…")
				}
				want(v.do(phone, "GET", "/"), `200 user "alice"`)
				if got := strings.Count(v.do(phone, "GET", "/devices"), "\n"); got != 1 {
					t.Errorf("%d lines, want 2", got+1)
				}
				want(v.do(phone, "GET", "/account/sessions"), "30…")
				want(v.do(phone, "GET", "/account/sessions/"), "200…")
				want(v.do(phone, "GET", "/account/sessions/api/"), "200…")

				var id session.ID
				r := httptest.NewRequest("GET", "/", nil)
				for _, cookie := range laptop.Jar.Cookies(must(url.Parse(v.server.URL))) {
					r.AddCookie(cookie)
				}
				ctx, _ := v.sessions.Start(t.Context(), session.Client{}, r.Header["Cookie"]...)
				if s, err := v.sessions.From(ctx); err != nil {
					t.Fatal(err)
				} else {
					id = s.ID()
				}
				want(v.do(eve, "POST", "/devices/"+id.String()+"/revoke"), "404 Not Found")
				want(v.do(laptop, "GET", "/"), `200 user "alice"`)
				want(v.do(phone, "POST", "/devices/"+id.String()+"/revoke"), "303…")
				want(v.do(laptop, "GET", "/devices"), "401 Unauthorized")

				v.db.down.Store(true)
				want(v.do(phone, "GET", "/?password=sesame"), "503 Service Unavailable")
				want(v.do(phone, "GET", "/devices"), "503 Service Unavailable")
				v.db.down.Store(false)
				want(v.do(phone, "GET", "/"), `200 user "alice"`)
				for _, line := range []string{`nethttp: GET "/"`, `nethttp: GET "/devices"`} {
					if n := strings.Count(v.logs.String(), line); n != 1 {
						t.Errorf("%s is logged %d times: %s", line, n, v.logs)
					}
				}
				if strings.Contains(v.logs.String(), "sesame") {
					t.Errorf("the query is logged: %s", v.logs)
				}
			})
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestGinStream: RPT-44. gin's Stream sends events as they come, and ends with its client.
func TestGinStream(t *testing.T) {
	t.Parallel()
	for _, protocol := range []int{1, 2} {
		events := make(chan string)
		ended := make(chan bool, 1)
		v := serve(t, protocol, func(m *session.Manager) (http.Handler, error) {
			app, err := ginApp(m, events)
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				app.ServeHTTP(w, r)
				if r.URL.Path == "/events" {
					ended <- true
				}
			}), err
		})
		c := v.browser()
		if got := v.do(c, "GET", "/events"); got != "401 Unauthorized" {
			t.Errorf("HTTP/%d: without a session: %s", protocol, got)
		}
		<-ended
		v.do(c, "POST", "/login", "user", "alice")
		ctx, cancel := context.WithCancel(t.Context())
		r, err := http.NewRequestWithContext(ctx, "GET", v.server.URL+"/events", nil)
		if err != nil {
			t.Fatal(err)
		}
		go func() { events <- "one" }()
		res, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReader(res.Body)
		read := func(want string) {
			t.Helper()
			for _, want := range []string{"event:message\n", "data:" + want + "\n", "\n"} {
				if line, err := lines.ReadString('\n'); line != want || err != nil {
					t.Errorf("HTTP/%d: got %q, %v, want %q", protocol, line, err, want)
				}
			}
		}
		read("one")
		events <- "two"
		read("two")
		cancel()
		_ = res.Body.Close()
		<-ended
		if strings.Contains(v.logs.String(), "panic") {
			t.Errorf("HTTP/%d: %s", protocol, v.logs)
		}
	}
}

// TestFrameworksDocument: what docs/frameworks.md shows is the code of these tests, to the letter.
func TestFrameworksDocument(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/frameworks.md")
	if err != nil {
		t.Fatal(err)
	}
	var code strings.Builder
	for _, name := range must(filepath.Glob("*_test.go")) {
		code.Write(must(os.ReadFile(name)))
	}
	blocks := strings.Split(string(page), "```go\n")[1:]
	if len(blocks) < len(documented) {
		t.Errorf("%d blocks of Go, want one of each of %d applications", len(blocks), len(documented))
	}
	for _, block := range blocks {
		block, _, _ = strings.Cut(block, "```\n")
		if !strings.Contains(code.String(), block) {
			t.Errorf("not in the tests: %.200s", block)
		}
	}
}

var errOther = errors.New("secret detail")
