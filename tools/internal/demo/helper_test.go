package demo

import (
	"context"
	"encoding/json"
	"html"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	sqlxstore "github.com/qsessions/qsessions/backend/sqlx"
	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/testserver"
	"github.com/qsessions/qsessions/tools/internal/stores"
	"github.com/qsessions/qsessions/tools/internal/stores/storestest"
)

func TestMain(m *testing.M) { os.Exit(testserver.Run(m)) }

// A site is a running demo.
type site struct {
	url   string
	store *sqlxstore.Store
	front store.Indexed // store, or the cache before it
	stop  func()        // also at the end of the test
}

// each runs f as a parallel subtest for each adapter over each kind of database.
func each(t *testing.T, f func(t *testing.T, adapter Adapter, address, cache string)) {
	t.Helper()
	eachAdapter(t, func(t *testing.T, adapter Adapter) {
		storestest.EachFront(t, func(t *testing.T, address, cache string) { f(t, adapter, address, cache) })
	})
}

// eachAdapter runs f as a parallel subtest for each adapter.
func eachAdapter(t *testing.T, f func(t *testing.T, adapter Adapter)) {
	t.Helper()
	for _, adapter := range []Adapter{NetHTTP, Fiber} {
		t.Run(string(adapter), func(t *testing.T) {
			t.Parallel()
			f(t, adapter)
		})
	}
}

// start serves the demo through an adapter over the database of address, behind a cache if there is to be one.
func start(t *testing.T, adapter Adapter, address, cache string) *site {
	t.Helper()
	s, err := stores.Open(t.Context(), address, sqlxstore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	front := store.Indexed(s)
	if cache != "" {
		c, err := stores.ParseCache(cache)
		if err != nil {
			t.Fatal(err)
		}
		both, closeCache, err := c.Front(t.Context(), s, address, 5*time.Second, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := closeCache(); err != nil {
				t.Error(err)
			}
		})
		front = both
	}
	app, err := New(front, examples(t), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- Serve(ctx, l, app, adapter) }()
	stopped := false
	stop := func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	t.Cleanup(stop)
	return &site{url: "http://" + l.Addr().String(), store: s, front: front, stop: stop}
}

func examples(t *testing.T) *Places {
	t.Helper()
	p, err := ExamplePlaces()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// rows counts what is stored.
func (s *site) rows(t *testing.T) int {
	t.Helper()
	n := 0
	for _, err := range s.store.List(t.Context(), store.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

// A browser has a cookie jar, and a User-Agent to tell it apart.
type browser struct {
	url   string
	agent string
	http  *http.Client
}

func (s *site) browser(t *testing.T, agent string) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := new(http.Transport)
	t.Cleanup(transport.CloseIdleConnections)
	return &browser{url: s.url, agent: agent, http: &http.Client{Jar: jar, Transport: transport}}
}

// A view is the page that a browser shows in the end.
type view struct {
	status int
	header http.Header
	body   string
}

// do sends a request and follows redirects. Each header is a name and a value.
func (b *browser) do(t *testing.T, method, path string, form url.Values, header ...string) view {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, b.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Header.Set("User-Agent", b.agent)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := b.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return view{response.StatusCode, response.Header, string(body)}
}

func (b *browser) get(t *testing.T, path string) view {
	t.Helper()
	return b.do(t, http.MethodGet, path, nil)
}

// post sends a form of names and values, and wants to end on a page.
func (b *browser) post(t *testing.T, path string, form ...string) view {
	t.Helper()
	values := url.Values{}
	for i := 0; i+1 < len(form); i += 2 {
		values.Set(form[i], form[i+1])
	}
	v := b.do(t, http.MethodPost, path, values)
	if v.status != http.StatusOK {
		t.Errorf("POST %s %v: got status %d", path, form, v.status)
	}
	return v
}

func (b *browser) signIn(t *testing.T, user string) {
	t.Helper()
	if got := b.post(t, "/sign-in", "user", user).user(); got != user {
		t.Fatalf("after the sign-in as %s: %q is signed in", user, got)
	}
}

// cookie is the token as the browser holds it, or "".
func (b *browser) cookie(t *testing.T) string {
	t.Helper()
	u, err := url.Parse(b.url)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range b.http.Jar.Cookies(u) {
		if c.Name == "session" {
			return c.Value
		}
	}
	return ""
}

var (
	userPart   = regexp.MustCompile(`<b id="user">(.*?)</b>`)
	flashPart  = regexp.MustCompile(`<p id="flash" role="status">(.*?)</p>`)
	visitsPart = regexp.MustCompile(`<dd id="visits">(.*?)</dd>`)
	placePart  = regexp.MustCompile(`<dd id="place">(.*?)</dd>`)
	itemPart   = regexp.MustCompile(`<li>(\d.*?)</li>`)
)

func (v view) part(re *regexp.Regexp) string {
	if m := re.FindStringSubmatch(v.body); m != nil {
		return html.UnescapeString(m[1])
	}
	return ""
}

func (v view) user() string { return v.part(userPart) }

func (v view) cart() string {
	var all []string
	for _, m := range itemPart.FindAllStringSubmatch(v.body, -1) {
		all = append(all, m[1])
	}
	return strings.Join(all, ", ")
}

// A row is one of "your sessions", as the page says it in JSON.
type row struct {
	ID        string
	Current   bool
	IP        string
	UserAgent string `json:"user_agent"`
	Device    struct{ Name, Text string }
	Location  struct{ Text string }
	Facts     map[string]string
}

const (
	ownPath = "/account/sessions/"
	allPath = "/admin/sessions/"
)

// rows are the browser's own sessions.
func (b *browser) rows(t *testing.T) []row {
	t.Helper()
	v := b.get(t, ownPath+"api/")
	var all struct{ Sessions []row }
	if err := json.Unmarshal([]byte(v.body), &all); v.status != http.StatusOK || err != nil {
		t.Fatalf("the list of sessions: status %d, %v: %s", v.status, err, v.body)
	}
	return all.Sessions
}

// of is the row of a User-Agent.
func (b *browser) of(t *testing.T, agent string) row {
	t.Helper()
	all := b.rows(t)
	for _, r := range all {
		if r.UserAgent == agent {
			return r
		}
	}
	t.Fatalf("no session of %q in %+v", agent, all)
	return row{}
}
