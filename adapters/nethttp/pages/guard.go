package pages

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/qsessions/qsessions/core/session"
)

// A guard says who may ask.
type guard struct {
	fresh     time.Duration                             // how old the sign-in may be; 0: any
	exact     bool                                      // the database is asked, never a cached copy
	own       bool                                      // the session in the path, if it is the own one, needs no fresh sign-in
	authorize func(*http.Request, session.Session) bool // nil: all users who are signed in
}

// butOwn lets people end the own session, which is a sign-out, without a fresh sign-in.
func (g guard) butOwn() guard {
	g.own = true
	return g
}

func (s *site) view(r *http.Request, g guard) (*view, error) {
	current, err := s.require(r, g)
	if err != nil {
		return nil, err
	}
	if g.authorize != nil && !g.authorize(r, current) {
		return nil, errForbidden
	}
	return s.newView(r, current), nil
}

func (s *site) require(r *http.Request, g guard) (session.Session, error) {
	want := session.Requirement{MaxAge: g.fresh}
	if g.exact {
		want.Level = 1 // every sign-in has that; to ask for it is to ask the database
	}
	current, err := s.sessions.Require(r.Context(), want)
	if g.own && errors.Is(err, session.ErrStale) {
		want.MaxAge = 0
		if own, e := s.sessions.Require(r.Context(), want); e == nil && own.ID().String() == r.PathValue("id") {
			return own, nil
		}
	}
	return current, err
}

// signInFirst returns the address where the reader proves again who they are, if ending other sessions asks for that, or "".
// It saves a way that ends at a refusal: what decides is the guard of the request that ends them.
func (v *view) signInFirst() string {
	limit, age := v.config.FreshToRevoke, time.Since(v.session.Info().AuthenticatedAt)
	const skew = 2 * time.Second // as much as the guard bears: a sign-in that is dated ahead is not fresh
	if v.config.SignIn == nil || limit == 0 || age <= limit && age >= -skew {
		return ""
	}
	return v.config.SignIn(v.back(v.r))
}

// newView returns the view of a request; current is nil where no user is known.
func (s *site) newView(r *http.Request, current session.Session) *view {
	return &view{site: s, r: r, session: current, language: s.config.choose(r), json: s.wantsJSON(r), home: s.up(r)}
}

// back is the path to which a sign-in leads back: of the page that was asked for, or that has the form that was sent.
func (s *site) back(r *http.Request) string {
	u := r.URL
	if r.Method != http.MethodGet || s.isAPI(r) {
		base := s.config.BasePath
		from, err := url.Parse(r.Referer())
		if err != nil || !strings.HasPrefix(from.Path, base) || !s.isPage(from.Path[len(base):]) {
			return base + s.config.Path
		}
		u = &url.URL{Path: from.Path[len(base):], RawQuery: from.RawQuery}
	}
	return s.config.BasePath + u.RequestURI() // without the host, which is the client's choice
}

// isPage reports whether path is that of a list, or of one session.
func (s *site) isPage(path string) bool {
	rest, ok := strings.CutPrefix(path, s.config.Path)
	if ok && rest != "" {
		_, err := session.ParseID(rest)
		return err == nil
	}
	return ok
}
