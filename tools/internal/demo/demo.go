// Package demo is a small application that shows what sessions can do: sign in, typed values, a list of one's own
// sessions with devices and places, and ending them. It asks for no password, so it is for the loopback alone.
package demo

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"sync"

	"github.com/qsessions/qsessions/adapters/nethttp"
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

// An App is the application over one store. It is safe for concurrent use.
type App struct {
	sessions *session.Manager
	places   *Places
	site     *nethttp.Middleware
	pages    *template.Template
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
		Cookie:     session.Cookie{Insecure: true},
		Enrichers:  []session.Enricher{agents, places},
		SweepEvery: day, // the operator may want to see sessions that have expired
		SweepBatch: 200,
		Observe:    a.observe,
		Logger:     log,
	})
	if err != nil {
		return nil, err
	}
	a.site = nethttp.New(a.sessions, nethttp.Config{Error: a.error, ClientHints: true})
	return a, nil
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

// Handler returns the pages.
func (a *App) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /style.css", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, files, "pages/style.css")
	})
	mux.Handle("GET /{$}", a.site.With(a.home))
	mux.Handle("POST /theme", a.site.With(a.setTheme))
	mux.Handle("POST /cart/add", a.site.With(a.addToCart))
	mux.Handle("POST /cart/empty", a.site.With(a.emptyCart))
	mux.Handle("POST /sign-in", a.site.With(a.signIn))
	mux.Handle("POST /sign-out", a.site.With(a.signOut))

	user := func(f func(http.ResponseWriter, *http.Request, session.Session)) http.Handler {
		return a.site.Require(a.site.With(f))
	}
	mux.Handle("GET /sessions", user(a.list))
	mux.Handle("POST /sessions/revoke", user(a.revoke))
	mux.Handle("POST /sessions/revoke-others", user(a.revokeOthers))
	mux.Handle("POST /sessions/revoke-all", user(a.revokeAll))

	const maxBody = 16 << 10
	return headers(http.NewCrossOriginProtection().Handler(http.MaxBytesHandler(a.site.Handler(mux), maxBody)))
}

// headers lets a page load nothing but the style sheet, be framed by nobody, and send forms only here.
func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// observe tells the terminal what happens, which is half of the fun.
func (a *App) observe(ctx context.Context, e session.Event) {
	attrs := []slog.Attr{slog.String("user", cmp.Or(e.User, "nobody")), slog.Any("session", e.ID)}
	if e.Client.IP.IsValid() {
		attrs = append(attrs, slog.Any("ip", e.Client.IP))
	}
	if e.Reason != "" {
		attrs = append(attrs, slog.String("reason", e.Reason))
	}
	if e.Err != nil {
		attrs = append(attrs, slog.Any("error", e.Err))
	}
	a.log.LogAttrs(ctx, slog.LevelInfo, e.Kind.String(), attrs...)
}

// error answers those who are not signed in, or not any more, with a page, and the rest as the adapter does.
func (a *App) error(w http.ResponseWriter, r *http.Request, err error) {
	if !errors.Is(err, session.ErrUnauthenticated) && !errors.Is(err, session.ErrRevoked) {
		nethttp.WriteError(w, r, err)
		return
	}
	a.render(w, r, http.StatusUnauthorized, "signed-out.html", page{Users: Users})
}
