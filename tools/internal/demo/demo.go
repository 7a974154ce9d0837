// Package demo is a small application that shows what sessions can do: sign in, typed values, and the pages on which
// people, and an operator, see sessions with devices and places, and end them. It asks for no password, so it is for the
// loopback alone.
package demo

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/qsessions/qsessions/adapters/nethttp/pages"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/enrich/useragent"
)

// Operator is the user who sees everybody's sessions.
const Operator = "olga"

// Users are those who can sign in.
var Users = []string{"alice", "bob", "carol", Operator}

//go:embed pages
var files embed.FS

// security lets a page load nothing but the style sheet, be framed by nobody, and send forms only here.
var security = map[string]string{
	"Content-Security-Policy":    "default-src 'none'; img-src 'self'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
	"X-Content-Type-Options":     "nosniff",
	"Referrer-Policy":            "same-origin",
	"Cross-Origin-Opener-Policy": "same-origin",
	"Cache-Control":              "no-store",
}

// An App is the application over one store. It is safe for concurrent use.
type App struct {
	sessions *session.Manager
	places   *Places
	pages    *template.Template
	account  http.Handler
	admin    http.Handler
	log      *slog.Logger
}

// New returns the application over s, which must be a [store.Indexed]. What happens to sessions is logged to log.
func New(s store.Store, places *Places, log *slog.Logger) (*App, error) {
	a := &App{places: places, log: log}
	var err error
	a.pages, err = template.ParseFS(files, "pages/*.html")
	if err != nil {
		return nil, err
	}
	agents, err := useragent.New(useragent.Config{})
	if err != nil {
		return nil, err
	}
	a.sessions, err = session.New(s, session.Config{
		// Plain http: Safari and Go's cookie jar take no Secure cookie from it, not even on the loopback.
		Cookie:        session.Cookie{Insecure: true},
		Enrichers:     []session.Enricher{agents, places},
		EnrichTimeout: time.Minute, // they wait for nobody; their first look takes long on a slow machine
		SweepEvery:    day,         // the operator may want to see sessions that have expired
		SweepBatch:    200,
		Observe:       a.observe,
		Logger:        log,
	})
	if err != nil {
		return nil, err
	}
	return a, a.mountPages()
}

// mountPages makes the pages about sessions.
func (a *App) mountPages() error {
	config := pages.Config{
		Links: []pages.Link{{Text: "The demo", URL: "/"}}, SignIn: signInPath, Localize: localize, Logger: a.log,
		DescribeTime: time.Minute, // as above
		Icon:         "/icon.svg",
		Theme: func(r *http.Request) string {
			s, err := session.From(r.Context())
			if err != nil {
				return themes[0]
			}
			return theme.GetOr(s, themes[0])
		},
	}
	account, err := pages.NewAccount(a.sessions, pages.AccountConfig{Config: config})
	if err != nil {
		return err
	}
	admin, err := pages.NewAdmin(a.sessions, pages.AdminConfig{
		Config:     config,
		Authorize:  func(_ *http.Request, s session.Session) bool { return s.User() == Operator },
		ShowValues: func(*http.Request, session.Session, session.Info) bool { return true }, // nobody here is real
		UserURL:    func(user string) string { return "/admin/sessions/?" + url.Values{"user": {user}}.Encode() },
	})
	a.account, a.admin = account, admin
	return err
}

// Run removes expired sessions, and picks up new databases of places, until ctx is done.
func (a *App) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var places error
	var wg sync.WaitGroup
	wg.Go(func() { places = a.places.Run(ctx) })
	err := a.sessions.Run(ctx)
	cancel()
	wg.Wait()
	return errors.Join(err, places)
}

// observe tells the terminal what happens, which is half of the fun. The address is that of the request, and so of the user
// who made it: where that is not the session's own user, both are named for what they are.
func (a *App) observe(ctx context.Context, e session.Event) {
	attrs := []slog.Attr{slog.String("user", cmp.Or(e.User, "anonymous")), slog.Any("session", e.ID)}
	ip := "ip"
	if by, ok := session.Peek(ctx); ok && e.Kind == session.Revoked {
		attrs = append(attrs, slog.String("by", cmp.Or(by.User(), "anonymous")))
		ip = "by_ip"
	}
	if e.Client.IP.IsValid() {
		attrs = append(attrs, slog.Any(ip, e.Client.IP))
	}
	if !e.Twin.IsZero() {
		attrs = append(attrs, slog.Any("twin", e.Twin))
	}
	if e.Reason != "" {
		attrs = append(attrs, slog.String("reason", e.Reason))
	}
	if e.Err != nil {
		attrs = append(attrs, slog.Any("error", e.Err))
	}
	a.log.LogAttrs(ctx, slog.LevelInfo, e.Kind.String(), attrs...)
}
