package adaptertest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/qsessions/qsessions/conformance/internal/harness"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
)

// What sessions of the cases hold.
const (
	note  session.Key[string]   = "note"
	count session.Key[int]      = "count"
	wrong session.Key[chan int] = "wrong" // cannot be encoded
)

// env is what a case works with.
type env struct {
	harness.Trial

	ctx    context.Context
	config Config
	stops  []func() error

	url string // of the server that was started last
	db  *db    // of the manager that was made last
	m   *session.Manager
	sc  session.Config
	log *logBuffer // of the managers

	copies bool // managers read from copies that no write reaches
}

// leave stops the servers.
func (e *env) leave() error {
	var errs []error
	for _, stop := range e.stops {
		if err := stop(); err != nil {
			errs = append(errs, fmt.Errorf("stop: %w", err))
		}
	}
	return errors.Join(errs...)
}

// ok ends the case if err is not nil.
func (e *env) ok(what string, err error) {
	if err != nil {
		e.Fatalf("%s: %v", what, err)
	}
}

// manager makes a manager over a new store.
func (e *env) manager(c session.Config) *session.Manager {
	if e.log == nil {
		e.log = new(logBuffer)
	}
	e.db = new(db)
	c.Logger = slog.New(slog.NewTextHandler(e.log, nil))
	var s store.Store = e.db
	if e.copies {
		s = &copying{db: e.db}
	}
	m, err := session.New(s, c)
	e.ok("a manager", err)
	e.m, e.sc = m, c
	return m
}

// serve starts the server of app.
func (e *env) serve(app App) {
	url, stop, err := e.config.Start(e.ctx, app)
	if stop != nil {
		e.stops = append(e.stops, stop)
	}
	e.ok("Start", err)
	e.url = strings.TrimSuffix(url, "/")
}

// site serves routes, and the usual ones, with one manager.
func (e *env) site(c session.Config, routes ...Route) {
	m := e.manager(c)
	e.serve(App{Managers: []*session.Manager{m}, Routes: append(usual(), routes...)})
}

// usual are the routes that most cases need.
func usual() []Route {
	return []Route{
		on("/unseen", func(x Exchange) error { return x.Send(200, "unseen") }),
		with("/get", func(x Exchange, s session.Session) error { return x.Send(200, state(s)) }),
		with("/set", func(x Exchange, s session.Session) error { note.Set(s, x.Query("note")); return x.Send(200, "set") }),
		with("/login", func(x Exchange, s session.Session) error { s.Login(x.Query("user")); return x.Send(200, "login") }),
		with("/logout", func(x Exchange, s session.Session) error { s.Logout(); return x.Send(200, "logout") }),
	}
}

// state shows what s holds.
func state(s session.Session) string { return fmt.Sprintf("user=%s note=%s", s.User(), note.Get(s)) }

// on is a route for every method.
func on(path string, f func(Exchange) error) Route { return Route{Path: path, Handle: f} }

// with is a route whose handler is given its session.
func with(path string, f func(Exchange, session.Session) error) Route {
	return on(path, func(x Exchange) error {
		s, err := session.From(x.Context())
		if err != nil {
			return err
		}
		return f(x, s)
	})
}

// browser opens a browser without a token.
func (e *env) browser() *browser {
	b := &browser{e: e, name: e.m.RequestHeader()}
	if b.name == "Cookie" {
		b.prefix = e.cookieName() + "="
	}
	return b
}

// user opens a browser in which user is signed in.
func (e *env) user(user string) *browser { return e.holder(login(user)) }

func (e *env) cookieName() string {
	if e.sc.Cookie.Name != "" {
		return e.sc.Cookie.Name
	}
	return "__Host-session"
}

// holder opens a browser that holds a session as f leaves it. The adapter has no part in it.
func (e *env) holder(f func(session.Session)) *browser {
	b := e.browser()
	effect := e.effect(&e.db.Store, "", f)
	value, _, _ := strings.Cut(effect.Value, ";")
	b.token = strings.TrimPrefix(value, b.prefix)
	return b
}

// effect is what a manager like the application's, over s, asks of the response to a request with the given value of the
// header that carries the token, in which f was called.
func (e *env) effect(s store.Store, header string, f func(session.Session)) session.Effect {
	c := e.sc
	c.Logger = nil
	m, err := session.New(s, c)
	e.ok("a manager", err)
	ctx, _ := m.Start(e.ctx, session.Client{}, header)
	defer m.Close(ctx)
	x, err := m.From(ctx)
	e.ok("From", err)
	f(x)
	effect, err := m.Commit(ctx)
	e.ok("Commit", err)
	return effect
}

// hides ends the case if a shows the text.
func (e *env) hides(what string, a *answer, text string) {
	if strings.Contains(a.body, text) {
		e.Fatalf("%s: the response shows %q", what, text)
	}
	for name, lines := range a.header {
		for _, line := range lines {
			if strings.Contains(line, text) {
				e.Fatalf("%s: %s shows %q", what, name, text)
			}
		}
	}
}

// stored returns the records of the application.
func (e *env) stored() []*store.Record {
	all, err := e.db.records(e.ctx)
	e.ok("List", err)
	return all
}

// rows ends the case unless so many sessions are stored.
func (e *env) rows(what string, want int) {
	if got := len(e.stored()); got != want {
		e.Fatalf("%s: %d sessions are stored, want %d", what, got, want)
	}
}

// state returns what the session of b holds in the store.
func (b *browser) state() string {
	text := ""
	b.e.effect(&b.e.db.Store, b.prefix+b.token, func(s session.Session) { text = state(s) })
	return text
}

// until waits for what happens soon, and reports whether it did.
func (e *env) until(f func() bool) bool {
	ctx, cancel := context.WithTimeout(e.ctx, cmp.Or(e.config.patience, patience))
	defer cancel()
	done := false
	harness.Every(ctx, time.Millisecond, func() bool { done = f(); return done })
	return done
}

// soon waits until c is closed, which the client does when it sees what was flushed. Where the framework keeps that back it
// never will.
func (e *env) soon(c <-chan bool) {
	limit := patience
	if e.config.Lacks&Flush != 0 {
		limit = 2 * time.Second
	}
	ctx, cancel := context.WithTimeout(e.ctx, limit)
	defer cancel()
	select {
	case <-c:
	case <-ctx.Done():
	}
}

const day = 24 * time.Hour

// patience is how long something may take that happens at once where it happens at all, and on a machine that does not
// stand still.
const patience = 10 * time.Second

// logBuffer is a writer for logs of several goroutines.
type logBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

// Write implements [io.Writer].
func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

// String returns what was written.
func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
