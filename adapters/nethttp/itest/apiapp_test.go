package itest

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/qsessions/qsessions/adapters/nethttp"
	"github.com/qsessions/qsessions/adapters/nethttp/pages"
	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
)

const (
	account = "/account/sessions/api/"
	admin   = "/admin/sessions/api/"
)

// An application has both pages. Its operator is olga.
type application struct {
	store    *harmed
	sessions *session.Manager
	handler  http.Handler // the whole of it
	bare     http.Handler // without the middleware
}

type appOptions struct {
	header    string // that carries the token; "": a cookie
	unindexed bool
}

func newApp(t *testing.T, o appOptions) *application {
	t.Helper()
	a := &application{store: &harmed{Indexed: new(memory.Store)}}
	var s store.Store = a.store
	if o.unindexed {
		s = struct{ store.Store }{a.store}
	}
	c := session.Config{Header: o.header, Enrichers: []session.Enricher{session.EnricherFunc(enrich)}}
	var err error
	if a.sessions, err = session.New(s, c); err != nil {
		t.Fatal(err)
	}
	common := pages.Config{Logger: slog.New(slog.DiscardHandler), RequireFresh: 10 * time.Minute, Names: func(_ context.Context, ids []string) (map[string]pages.Person, error) {
		people := map[string]pages.Person{}
		for _, id := range ids {
			people[id] = pages.Person{Name: strings.ToUpper(id), Detail: id + "@example.com", URL: "/users/" + id}
		}
		return people, nil
	}}
	people, err := pages.NewAccount(a.sessions, pages.AccountConfig{Config: common})
	if err != nil {
		t.Fatal(err)
	}
	operators, err := pages.NewAdmin(a.sessions, pages.AdminConfig{
		Config:     common,
		Authorize:  func(_ *http.Request, s session.Session) bool { return s.User() == "olga" },
		ShowValues: func(_ *http.Request, _ session.Session, of session.Info) bool { return of.User != "olga" },
		FindUsers: func(_ context.Context, text string) ([]string, error) {
			if text == "everybody" { // more than are shown
				return strings.Fields("alice bob carol 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20"), nil
			}
			return []string{text}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	site := nethttp.New(a.sessions, nethttp.Config{Client: func(r *http.Request) session.Client {
		return session.Client{IP: netip.MustParseAddr("192.0.2.7"), UserAgent: r.UserAgent()}
	}})
	mux := http.NewServeMux()
	mux.Handle("/account/sessions/", people)
	mux.Handle("/admin/sessions/", operators)
	mux.Handle("POST /sign-in", site.With(func(_ http.ResponseWriter, r *http.Request, s session.Session) {
		age, _ := time.ParseDuration(r.URL.Query().Get("age"))
		s.Login(r.URL.Query().Get("user"), session.AuthenticatedAt(time.Now().Add(-age)))
	}))
	a.handler, a.bare = site.Handler(mux), mux
	return a
}

func enrich(context.Context, session.Client) (session.Facts, error) {
	return session.Facts{
		Device: session.Device{
			Kind: session.KindMobile, Family: "Samsung SM-G991B", Brand: "Samsung", Model: "SM-G991B",
			OS: session.Product{Name: "Android", Major: "14"}, Browser: session.Product{Name: "Chrome Mobile", Major: "118"},
		},
		Location: session.Location{
			City: "Tehran", Region: "Tehran", RegionCode: "23", Country: "Iran", CountryCode: "IR", Continent: "Asia", ContinentCode: "AS",
			PostalCode: "11369", TimeZone: "Asia/Tehran", Coordinates: session.Coordinates{Latitude: 35.7, Longitude: 51.4, RadiusKM: 20},
			Anonymizer: session.Anonymizer{VPN: true},
		},
		Extra: map[string]string{"carrier": "MCI"},
	}, nil
}

// add stores a session without a request, and returns its id.
func (a *application) add(t *testing.T, m *session.Manager, user string, values map[string]string) string {
	t.Helper()
	ctx, _ := m.Start(t.Context(), session.Client{IP: netip.MustParseAddr("198.51.100.1"), UserAgent: "made up"})
	defer m.Close(ctx)
	s, err := m.From(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if user != "" {
		s.Login(user)
	}
	for name, value := range values {
		session.Key[string](name).Set(s, value)
	}
	if _, err := m.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	return s.ID().String()
}

// A client is an app, or a script, that keeps its token.
type client struct {
	handler http.Handler
	header  string // as in appOptions
	token   string
}

// do sends a request through the whole stack of the server, as bytes have come, and keeps the token of the response.
func (c *client) do(t *testing.T, method, target, body string, header ...string) (*http.Request, *http.Response) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "https://example.test"+target, strings.NewReader(body))
	r.Header.Set("User-Agent", "app/1.0")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	if c.token != "" {
		if c.header != "" {
			r.Header.Set(c.header, "Bearer "+c.token)
		} else {
			r.AddCookie(&http.Cookie{Name: "__Host-session", Value: c.token})
		}
	}
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, r)
	response := w.Result()
	if c.header != "" {
		if given := response.Header.Values(c.header); len(given) > 0 {
			c.token = given[0]
		}
	}
	for _, cookie := range response.Cookies() {
		c.token = cookie.Value
	}
	return r, response
}

// signIn returns a client of user, who proved to be that some time ago.
func (a *application) signIn(t *testing.T, header, user string, age time.Duration) *client {
	t.Helper()
	c := &client{handler: a.handler, header: header}
	if _, r := c.do(t, http.MethodPost, "/sign-in?user="+user+"&age="+age.String(), ""); r.StatusCode != http.StatusOK || c.token == "" {
		t.Fatalf("sign in: %s", r.Status)
	}
	return c
}

// A harmed store fails where a test wants it.
type harmed struct {
	store.Indexed
	down    atomic.Bool
	pending atomic.Bool // removals are done, and a cache could not be told
	// deletes is how many more calls of Delete succeed; 0: any.
	deletes atomic.Int64
	slow    atomic.Int64 // how long each of them takes
}

func (s *harmed) Load(ctx context.Context, id store.ID) (*store.Record, error) {
	if s.down.Load() {
		return nil, store.ErrUnavailable
	}
	return s.Indexed.Load(ctx, id)
}

func (s *harmed) Delete(ctx context.Context, ids ...store.ID) error {
	if d := time.Duration(s.slow.Load()); d > 0 {
		<-time.After(d)
	}
	if n := s.deletes.Load(); n == 1 {
		return store.ErrUnavailable
	} else if n > 1 {
		s.deletes.Add(-1)
	}
	return s.removed(s.Indexed.Delete(ctx, ids...))
}

func (s *harmed) DeleteUser(ctx context.Context, user string, cutoff time.Time, keep ...store.ID) ([]store.ID, error) {
	ids, err := s.Indexed.DeleteUser(ctx, user, cutoff, keep...)
	return ids, s.removed(err)
}

func (s *harmed) removed(err error) error {
	if err == nil && s.pending.Load() {
		return &store.PendingError{EffectiveBy: time.Now().Add(time.Minute), Err: errors.New("the cache is out")}
	}
	return err
}

// A trip is a request with its response.
type trip struct {
	request  *http.Request
	sent     string // the body
	response *http.Response
	received []byte
}

// wrong reports whether the response says that the request is not as it should be.
func (e trip) wrong() bool {
	return slices.Contains([]int{400, 401, 405, 413, 415}, e.response.StatusCode)
}

// clone returns a trip whose parts can be changed, but for the bodies' bytes.
func (e trip) clone() trip {
	response := *e.response
	response.Header = response.Header.Clone()
	e.request, e.response = e.request.Clone(context.Background()), &response
	return e
}
