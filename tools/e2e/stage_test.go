package e2e

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/qsessions/qsessions/adapters/nethttp"
	"github.com/qsessions/qsessions/adapters/nethttp/pages"
	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
)

// A stage is a site of the pages that shows what the demo does not have.
type stage struct {
	*httptest.Server
	t        *testing.T
	sessions *session.Manager
	store    *slowStore
}

// A slowStore takes its time to delete, once it is slow.
type slowStore struct {
	memory.Store
	delay atomic.Int64 // of each session, in ns
}

func (s *slowStore) Delete(ctx context.Context, ids ...store.ID) error {
	select {
	case <-time.After(time.Duration(s.delay.Load())):
	case <-ctx.Done():
		return ctx.Err()
	}
	return s.Store.Delete(ctx, ids...)
}

// newStage starts a site on which anybody can sign in as anybody. The operator is olga.
func newStage(t *testing.T, facts func(session.Client) session.Facts, languages ...*pages.Language) *stage {
	t.Helper()
	slow := new(slowStore)
	sessions, err := session.New(slow, session.Config{
		Cookie: session.Cookie{Insecure: true},
		Enrichers: []session.Enricher{session.EnricherFunc(func(_ context.Context, c session.Client) (session.Facts, error) {
			return facts(c), nil
		})},
	})
	if err != nil {
		t.Fatal(err)
	}
	config := pages.Config{Languages: languages, SignIn: func(back string) string { return "/?" + url.Values{"back": {back}}.Encode() }}
	account, err := pages.NewAccount(sessions, pages.AccountConfig{Config: config})
	if err != nil {
		t.Fatal(err)
	}
	admin, err := pages.NewAdmin(sessions, pages.AdminConfig{
		Config:     config,
		Authorize:  func(_ *http.Request, s session.Session) bool { return s.User() == "olga" },
		ShowValues: func(*http.Request, session.Session, session.Info) bool { return true },
		UserURL:    func(user string) string { return user }, // what a careless application might say
	})
	if err != nil {
		t.Fatal(err)
	}
	site := nethttp.New(sessions, nethttp.Config{})
	mux := http.NewServeMux()
	mux.Handle(accountPath, account)
	mux.Handle(adminPath, admin)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, `<!doctype html><html lang="en"><head><title>Stage</title><meta name="viewport" content="width=device-width"></head>`+
			`<body><main><h1>Stage</h1><form method="post" action="/sign-in">`)
		fmt.Fprintf(w, `<input type="hidden" name="back" value="%s">`, html.EscapeString(cmp.Or(r.URL.Query().Get("back"), "/")))
		for _, user := range []string{"alice", "olga"} {
			fmt.Fprintf(w, `<button name="user" value="%s">Sign in as %[1]s</button>`, html.EscapeString(user))
		}
		if s, _ := session.From(r.Context()); s != nil {
			fmt.Fprintf(w, `<p id="user">%s</p>`, html.EscapeString(s.User()))
		}
		fmt.Fprint(w, `</form></main></body></html>`)
	})
	mux.Handle("POST /sign-in", site.With(func(w http.ResponseWriter, r *http.Request, s session.Session) {
		s.Login(r.PostFormValue("user"))
		http.Redirect(w, r, r.PostFormValue("back"), http.StatusSeeOther) // wherever that is: it is no more than a stage
	}))
	server := httptest.NewServer(site.Handler(mux))
	t.Cleanup(server.Close)
	return &stage{server, t, sessions, slow}
}

// add signs a user in who is not in a browser, with values.
func (s *stage) add(user string, client session.Client, values map[string]any) session.ID {
	s.t.Helper()
	ctx, _ := s.sessions.Start(s.t.Context(), client)
	defer s.sessions.Close(ctx)
	current, err := session.From(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	current.Login(user)
	for name, value := range values {
		session.Key[any](name).Set(current, value)
	}
	if err := current.Save(ctx); err != nil {
		s.t.Fatalf("%q: %v", user, err)
	}
	return current.ID()
}

// age makes the sign-ins of a user that much older.
func (s *stage) age(user string, by time.Duration) {
	s.t.Helper()
	for listed, err := range s.store.List(s.t.Context(), store.Query{User: user}) {
		if err != nil {
			s.t.Fatal(err)
		}
		r, err := s.store.Load(s.t.Context(), listed.ID)
		if err != nil {
			s.t.Fatal(err)
		}
		r.AuthenticatedAt = r.AuthenticatedAt.Add(-by)
		// The proofs are the end of what the session notes: a level, and microseconds since 1970.
		for at := len(r.Secret) - 9; r.Secret[0] == 2 && at >= len(r.Secret)-3*9; at -= 9 {
			if proof := r.Secret[at : at+9]; proof[0] > 0 {
				binary.BigEndian.PutUint64(proof[1:], binary.BigEndian.Uint64(proof[1:])-uint64(by.Microseconds()))
			}
		}
		if err := s.store.Save(s.t.Context(), r); err != nil {
			s.t.Fatal(err)
		}
	}
}
