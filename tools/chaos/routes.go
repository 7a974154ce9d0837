package chaos

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/qsessions/qsessions/adapters/nethttp"
	"github.com/qsessions/qsessions/core/session"
)

// routes is the application.
func (n *process) routes(payload string) http.Handler {
	mw := nethttp.New(n.sessions, nethttp.Config{Error: func(rw http.ResponseWriter, _ *http.Request, err error) {
		code := http.StatusInternalServerError
		switch {
		case errors.Is(err, session.ErrUnavailable):
			code = http.StatusServiceUnavailable
		case errors.Is(err, session.ErrRevoked), errors.Is(err, session.ErrUnauthenticated):
			code = http.StatusUnauthorized
		}
		rw.WriteHeader(code)
	}})
	mux := http.NewServeMux()
	signedIn := func(f func(http.ResponseWriter, *http.Request, session.Session)) http.Handler {
		return mw.With(func(rw http.ResponseWriter, r *http.Request, s session.Session) {
			if s.User() == "" {
				rw.WriteHeader(http.StatusUnauthorized)
				return
			}
			f(rw, r, s)
		})
	}
	mux.Handle("/read", signedIn(func(rw http.ResponseWriter, _ *http.Request, s session.Session) {
		fmt.Fprintln(rw, s.User(), values[0].Get(s), values[1].Get(s))
	}))
	mux.Handle("/write", signedIn(func(rw http.ResponseWriter, r *http.Request, s session.Session) {
		var key, n, before int
		if _, err := fmt.Sscan(r.Header.Get("Write"), &key, &n); err != nil {
			rw.WriteHeader(http.StatusBadRequest)
			return
		}
		values[key].Update(s, func(old int) int { before = old; return n }) // the last time on what is replaced
		if err := s.Save(r.Context()); err != nil {
			mw.Error(rw, r, err)
			return
		}
		fmt.Fprintln(rw, before)
	}))
	mux.Handle("/login", mw.With(func(rw http.ResponseWriter, r *http.Request, s session.Session) {
		s.Login(r.Header.Get("User"))
		session.Key[string]("payload").Set(s, payload)
		if err := s.Save(r.Context()); err != nil {
			mw.Error(rw, r, err)
			return
		}
		fmt.Fprintln(rw, s.ID())
	}))
	mux.Handle("/logout", signedIn(func(rw http.ResponseWriter, r *http.Request, s session.Session) {
		s.Logout()
		err := s.Save(r.Context())
		if by := effectiveBy(err); !by.IsZero() {
			fmt.Fprintln(rw, "pending", by.UnixMicro())
		} else if err != nil {
			mw.Error(rw, r, err)
		}
	}))
	return mw.Handler(mux)
}

// values are what the writers of a session count up, each its own.
var values = [2]session.Key[int]{"left", "right"}

// effectiveBy is zero unless err is a [session.PendingError].
func effectiveBy(err error) time.Time {
	if p, ok := errors.AsType[*session.PendingError](err); ok {
		return p.EffectiveBy
	}
	return time.Time{}
}
