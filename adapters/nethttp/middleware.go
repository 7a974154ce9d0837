package nethttp

import (
	"net/http"
	"sync/atomic"
	"time"

	"github.com/qsessions/qsessions/core/clientip"
	"github.com/qsessions/qsessions/core/session"
)

// Config configures a [Middleware]. Its zero value is ready to use where no proxy is in front.
type Config struct {
	// ClientIP finds the client's address behind proxies; default: the peer of the connection is the client. Middleware that
	// overwrites RemoteAddr, such as chi's RealIP or gorilla's ProxyHeaders, must not be in front: it lets every client choose
	// its address. See package clientip.
	ClientIP *clientip.Resolver

	// ClientHints asks browsers, by Accept-CH in every response, for the model and the version of their platform, and keeps
	// the hints that they send, for the enrichers: without them every Chrome on Android is model "K". It needs TLS, and
	// Chrome or its kin. Nothing varies by hints.
	ClientHints bool

	// Client says who sends a request, and replaces ClientIP; default: the address by ClientIP, the User-Agent, and with
	// ClientHints session.ReadHints(r.Header.Get). It is called for every request, by many goroutines.
	//
	// The default takes no address from a RemoteAddr without a port: net/http's own has one, and middleware such as chi's
	// RealIP, which lets clients write their address, leaves none. The address is then unknown, which is logged once.
	Client func(*http.Request) session.Client

	// Error answers a request that cannot be served: the errors of session.From, Manager.Require and Manager.Commit. It
	// must write a response, and must not show the text of the error; default [WriteError]. [Status] has the status. Errors
	// of the server have been logged before it is called.
	Error func(http.ResponseWriter, *http.Request, error)
}

// A Middleware gives handlers the sessions of one manager. It is safe for concurrent use.
type Middleware struct {
	sessions *session.Manager
	config   Config

	rewritten, inside, past atomic.Bool // what has been warned of
}

// New returns the middleware of m, which must not be nil.
func New(m *session.Manager, c Config) *Middleware {
	mw := &Middleware{sessions: m, config: c}
	if c.Client == nil {
		mw.config.Client = mw.sender
	}
	if c.Error == nil {
		mw.config.Error = WriteError
	}
	return mw
}

// Handler gives each request of next its session. If an outer handler did so already, next is just called.
func (mw *Middleware) Handler(next http.Handler) http.Handler {
	header := mw.sessions.RequestHeader()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, begun := mw.sessions.Start(r.Context(), mw.config.Client(r), r.Header[header]...)
		if !begun {
			next.ServeHTTP(w, r)
			return
		}
		if mw.config.ClientHints {
			w.Header().Add("Accept-Ch", session.AcceptCH)
		}
		if site := r.Header["Sec-Fetch-Site"]; len(site) > 0 && site[0] == "cross-site" {
			mw.sessions.NoteFetch(ctx, session.ReadFetch(r.Method, r.Header.Get))
		}
		inner := r.WithContext(ctx)
		sw, out := wrap(mw, w, inner)
		defer sw.close(r)
		next.ServeHTTP(out, inner)
		sw.finish()
	})
}

// With is f as a handler that is given its session, loaded; if it cannot be, Config.Error answers. It needs
// [Middleware.Handler] around it. As a HandlerFunc it fits routers that take handlers, and routers that take functions.
func (mw *Middleware) With(f func(http.ResponseWriter, *http.Request, session.Session)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s, err := mw.sessions.From(r.Context())
		if err != nil {
			mw.Error(w, r, err)
			return
		}
		f(w, r, s)
	}
}

// Require lets only signed-in users through to next; Config.Error answers the others with
// [session.ErrUnauthenticated]. It needs [Middleware.Handler] around it. It is middleware as routers take it, such as
// r.Use(site.Require) in chi, as are the others of its kind.
func (mw *Middleware) Require(next http.Handler) http.Handler {
	return mw.require(session.Requirement{}, next)
}

// RequireFresh is Require for users who proved within maxAge who they are; Config.Error answers the others with
// [session.ErrStale]. It asks the database, never a cached copy. A maxAge of zero or less lets no one through.
func (mw *Middleware) RequireFresh(maxAge time.Duration) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return mw.require(session.Requirement{MaxAge: max(maxAge, 1)}, next)
	}
}

// RequireLevel is Require for users who authenticated at level, or a higher one; Config.Error answers the others with
// [session.ErrStale]. It asks the database, never a cached copy. A level of zero or less counts as 1, that of any login.
func (mw *Middleware) RequireLevel(level int) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return mw.require(session.Requirement{Level: max(level, 1)}, next)
	}
}

// RequireProof is Require for users whose authentication meets want, as one proof: a level of 2 within five minutes is not a
// level of 2 an hour ago and a password just now. Config.Error answers the others with [session.ErrStale]. Where want has a
// MaxAge or a Level it asks the database, never a cached copy.
func (mw *Middleware) RequireProof(want session.Requirement) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler { return mw.require(want, next) }
}

// Passive marks requests as no use of their session ([session.Passive]): for polling, status and health checks, which would
// keep a session alive after its user has left. It needs [Middleware.Handler] around it.
func (mw *Middleware) Passive(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		session.Passive(r.Context())
		next.ServeHTTP(w, r)
	})
}

func (mw *Middleware) require(what session.Requirement, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := mw.sessions.Require(r.Context(), what); err != nil {
			mw.Error(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}
