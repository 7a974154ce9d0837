package pages

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/qsessions/qsessions/adapters/nethttp"
	"github.com/qsessions/qsessions/core/clientip"
	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
)

// A fixture is an application with both pages. The operator is olga.
type fixture struct {
	url      string
	store    store.Store
	sessions *session.Manager
	handler  http.Handler
	client   func() session.Client // of a request; nil: its User-Agent alone
	// signingIn runs in the sign-in of a user, before the session knows of it.
	signingIn func(user string)
	before    func(*http.Request) // runs before each handler, inside the middleware; nil: nothing does
}

type options struct {
	store    store.Store // default: memory
	sessions session.Config
	account  AccountConfig
	admin    AdminConfig
	clientIP *clientip.Resolver // nil: no addresses
	bubble   bool               // without a server, for testing/synctest
}

func start(t testing.TB, o options) *fixture {
	t.Helper()
	if o.store == nil {
		o.store = new(memory.Store)
	}
	o.sessions.Cookie.Insecure = o.sessions.Header == "" // the cookie jar of Go's client wants https else
	quiet := slog.New(slog.DiscardHandler)
	m, err := session.New(o.store, o.sessions)
	if err != nil {
		t.Fatal(err)
	}
	if o.account.Logger == nil {
		o.account.Logger = quiet
	}
	account, err := NewAccount(m, o.account)
	if err != nil {
		t.Fatal(err)
	}
	if o.admin.Authorize == nil {
		o.admin.Authorize = func(_ *http.Request, s session.Session) bool { return s.User() == "olga" }
	}
	if o.admin.Logger == nil {
		o.admin.Logger = quiet
	}
	admin, err := NewAdmin(m, o.admin)
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{store: o.store, sessions: m}
	site := nethttp.New(m, nethttp.Config{Client: func(r *http.Request) session.Client {
		if f.client != nil {
			return f.client()
		}
		c := session.Client{UserAgent: r.UserAgent()}
		if o.clientIP != nil {
			c.IP = o.clientIP.Addr(r.RemoteAddr, r.Header.Values)
		}
		return c
	}})
	mux := http.NewServeMux()
	mux.Handle(account.site.config.Path, account)
	mux.Handle(admin.site.config.Path, admin)
	mux.Handle("POST /sign-in", site.With(func(_ http.ResponseWriter, r *http.Request, s session.Session) {
		if f.signingIn != nil {
			f.signingIn(r.FormValue("user"))
		}
		if user := r.FormValue("user"); user != "" {
			s.Login(user)
		}
		for name, values := range r.Form {
			if name != "user" {
				session.Key[string](name).Set(s, values[0])
			}
		}
	}))
	mux.Handle("GET /{$}", site.With(func(w http.ResponseWriter, _ *http.Request, s session.Session) {
		_, _ = io.WriteString(w, s.User())
	}))
	f.handler = site.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f.before != nil {
			f.before(r)
		}
		mux.ServeHTTP(w, r)
	}))
	if o.bubble {
		f.url = "http://sessions.test"
		return f
	}
	server := httptest.NewServer(f.handler)
	t.Cleanup(server.Close)
	f.url = server.URL
	return f
}

// A browser has cookies.
type browser struct {
	*fixture
	t      testing.TB
	client *http.Client
	agent  string
	header http.Header
}

func (f *fixture) browser(t testing.TB, agent string) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if f.url == "http://sessions.test" {
		client.Transport = inProcess{f.handler}
	}
	return &browser{f, t, client, agent, http.Header{}}
}

// An inProcess transport calls the handler itself.
type inProcess struct{ http.Handler }

func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	in := httptest.NewRequestWithContext(r.Context(), r.Method, r.URL.RequestURI(), r.Body)
	in.Header, in.Host = r.Header, r.URL.Host
	w := httptest.NewRecorder()
	p.ServeHTTP(w, in)
	return w.Result(), nil
}

// An answer is a response, read to its end.
type answer struct {
	status int
	header http.Header
	body   string
}

func (b *browser) do(method, path string, form url.Values) answer {
	b.t.Helper()
	var reader io.Reader
	if form != nil {
		reader = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(context.Background(), method, b.url+path, reader)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header = b.header.Clone()
	if form != nil && r.Header.Get("Content-Type") == "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Header.Set("User-Agent", b.agent)
	response, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	all, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	if to := response.Header.Get("Location"); to != "" { // as a browser has it: it may be relative
		u, err := r.URL.Parse(to)
		if err != nil {
			b.t.Fatal(err)
		}
		if u.Host == r.URL.Host {
			u = &url.URL{Path: u.Path, RawQuery: u.RawQuery}
		}
		response.Header.Set("Location", u.String())
	}
	body := relativeLink.ReplaceAllStringFunc(string(all), func(s string) string {
		m := relativeLink.FindStringSubmatch(s)
		u, err := r.URL.Parse(html.UnescapeString(m[2]))
		if err != nil {
			b.t.Fatal(err)
		}
		return m[1] + html.EscapeString((&url.URL{Path: u.Path, RawQuery: u.RawQuery}).String()) + `"`
	})
	return answer{response.StatusCode, response.Header, body}
}

// relativeLink is one below the mount. Answers have them as a browser resolves them.
var relativeLink = regexp.MustCompile(`((?:href|src|action)=")(\.{1,2}/[^"]*)"`)

// flash is what the next page is to say.
func (a answer) flash(t testing.TB) (f flash) {
	t.Helper()
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		if strings.HasSuffix(c.Name, flashCookie) && c.MaxAge > 0 {
			b, err := base64.RawURLEncoding.DecodeString(c.Value)
			if err != nil || json.Unmarshal(b, &f) != nil {
				t.Errorf("the notice is %q", c.Value)
			}
		}
	}
	return f
}

func (b *browser) get(path string) answer                   { return b.do(http.MethodGet, path, nil) }
func (b *browser) post(path string, form url.Values) answer { return b.do(http.MethodPost, path, form) }

// signIn signs the browser in; pairs are values for the session.
func (b *browser) signIn(user string, pairs ...string) {
	b.t.Helper()
	form := url.Values{"user": {user}}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	if a := b.post("/sign-in", form); a.status != http.StatusOK {
		b.t.Fatalf("sign in: %d %s", a.status, a.body)
	}
}

// id is that of the browser's session, which is half of its token.
func (b *browser) id() (id session.ID) {
	b.t.Helper()
	token, err := base64.RawURLEncoding.DecodeString(b.cookie())
	if err != nil || copy(id[:], token) != len(id) {
		b.t.Fatalf("the cookie is %q", b.cookie())
	}
	return id
}

// cookie is the token that the browser has, or "".
func (b *browser) cookie() string {
	b.t.Helper()
	u, err := url.Parse(b.url)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range b.client.Jar.Cookies(u) {
		if c.Name != flashCookie {
			return c.Value
		}
	}
	return ""
}

// user is who the application takes the browser for.
func (b *browser) user() string { return b.get("/").body }

// ids returns the live sessions of user, the latest first.
func (f *fixture) ids(t testing.TB, user string) (ids []session.ID) {
	t.Helper()
	all, err := session.Collect(f.sessions.Scan(t.Context(), session.Query{User: user}))
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range all {
		ids = append(ids, i.ID)
	}
	return ids
}
