// Package pages measures the first page of the admin page's list: what it takes to read it, and to write it as HTML and as
// JSON, against the query alone.
package pages

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/qsessions/qsessions/adapters/nethttp"
	sitepages "github.com/qsessions/qsessions/adapters/nethttp/pages"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/tools/bench"
	"github.com/qsessions/qsessions/tools/bench/stores"
)

// Users is how many users the sessions of a measurement have.
const Users = 50_000

const (
	size = 50 // of a page
	rows = size + 1
	path = "/admin/sessions/"
)

// Cases returns what is measured on s, which has its sessions. The floor of each is the query, kept prepared, on one connection
// of a pool of the same options.
func Cases(ctx context.Context, s *stores.Store, enrichers ...session.Enricher) ([]bench.Case, error) {
	r := &raw{ctx: ctx, db: s.Raw}
	text := `SELECT id, version, user_id, auth_at, created_at, last_seen, expires_at, ip, user_agent FROM qsessions
		WHERE expires_at > 0 AND expires_at > ? ORDER BY id DESC LIMIT ` + fmt.Sprint(rows)
	r.text = text
	if s.Name == stores.Postgres {
		r.text = sqlx.Rebind(sqlx.DOLLAR, text)
	}
	var err error
	if r.stmt, err = s.Raw.PrepareContext(ctx, r.text); err != nil {
		return nil, err
	}
	m, err := session.New(s, session.Config{Enrichers: enrichers, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	h, token, err := Site(ctx, m, "olga")
	if err != nil {
		return nil, err
	}
	cases := []bench.Case{
		{Name: "the query, not prepared", Subject: r.anew},
		{Name: "Manager.Scan", Subject: scan(ctx, m), Target: bench.Target{Ratio: 2}},
		{Name: "the page, JSON", Subject: serve(ctx, h, token, "application/json"), Target: bench.Target{Ratio: 2}},
		{Name: "the page, HTML", Subject: serve(ctx, h, token, "text/html"), Target: bench.Target{Ratio: 2}},
	}
	for i := range cases {
		cases[i].Store, cases[i].Workers, cases[i].Floor = s.String(), 1, r.prepared
	}
	return cases, nil
}

// raw is the query without this library.
type raw struct {
	ctx  context.Context
	db   *sql.DB
	text string
	stmt *sql.Stmt
}

func (r *raw) prepared(_, n int) error {
	return repeat(n, func() (*sql.Rows, error) { return r.stmt.QueryContext(r.ctx, time.Now().UnixMicro()) })
}

func (r *raw) anew(_, n int) error {
	return repeat(n, func() (*sql.Rows, error) { return r.db.QueryContext(r.ctx, r.text, time.Now().UnixMicro()) })
}

// A row has the columns as the drivers give them.
type row struct {
	id, ip                                []byte
	version, auth, created, seen, expires int64
	user                                  sql.NullString
	agent                                 string
}

func repeat(n int, query func() (*sql.Rows, error)) error {
	for range n {
		found, err := query()
		if err != nil {
			return err
		}
		var all []row
		for found.Next() {
			var r row
			if err := found.Scan(&r.id, &r.version, &r.user, &r.auth, &r.created, &r.seen, &r.expires, &r.ip, &r.agent); err != nil {
				return errors.Join(err, found.Close())
			}
			all = append(all, r)
		}
		if err := errors.Join(found.Err(), found.Close()); err != nil || len(all) != rows {
			return fmt.Errorf("the query found %d rows: %w", len(all), err)
		}
	}
	return nil
}

// scan reads what the page shows, as the page does.
func scan(ctx context.Context, m *session.Manager) bench.Work {
	return func(_, n int) error {
		for range n {
			all, err := session.Collect(m.Scan(ctx, session.Query{Limit: rows}))
			if err != nil || len(all) != rows {
				return fmt.Errorf("%d sessions were found: %w", len(all), err)
			}
		}
		return nil
	}
}

// Site returns both pages, at their default paths, and the cookie of user, who is signed in and an operator.
func Site(ctx context.Context, m *session.Manager, user string) (http.Handler, string, error) {
	account, err := sitepages.NewAccount(m, sitepages.AccountConfig{})
	if err != nil {
		return nil, "", err
	}
	admin, err := sitepages.NewAdmin(m, sitepages.AdminConfig{
		Authorize: func(_ *http.Request, s session.Session) bool { return s.User() == user },
	})
	if err != nil {
		return nil, "", err
	}
	mw := nethttp.New(m, nethttp.Config{})
	mux := http.NewServeMux()
	mux.Handle("/account/sessions/", account)
	mux.Handle(path, admin)
	mux.Handle("/sign-in", mw.With(func(_ http.ResponseWriter, _ *http.Request, s session.Session) { s.Login(user) }))
	h := mw.Handler(mux)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "/sign-in", nil))
	for _, c := range w.Result().Cookies() {
		return h, c.Name + "=" + c.Value, nil
	}
	return nil, "", fmt.Errorf("the sign-in answers %d", w.Code)
}

func serve(ctx context.Context, h http.Handler, cookie, accept string) bench.Work {
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, path+"?state=active", nil)
	r.Header.Set("Cookie", cookie)
	r.Header.Set("Accept", accept)
	mark := map[string]string{"text/html": `data-session="`, "application/json": `"id":"`}[accept]
	return func(_, n int) error {
		for range n {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if found := strings.Count(w.Body.String(), mark); w.Code != http.StatusOK || found != size {
				return fmt.Errorf("the page answers %d, with %d sessions", w.Code, found)
			}
		}
		return nil
	}
}
