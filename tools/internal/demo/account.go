package demo

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
)

func (a *App) signIn(w http.ResponseWriter, r *http.Request, s session.Session) {
	user := r.PostFormValue("user")
	if !slices.Contains(Users, user) {
		http.Error(w, "There is no such user.", http.StatusBadRequest)
		return
	}
	var options []session.LoginOption
	if r.PostFormValue("remember") != "" {
		options = append(options, session.Remember())
	}
	s.Login(user, options...)
	flash.Set(s, "You are signed in as "+user+".")
	back(w, r, "/")
}

func (a *App) signOut(w http.ResponseWriter, r *http.Request, s session.Session) {
	s.Logout()
	back(w, r, "/")
}

func (a *App) list(w http.ResponseWriter, r *http.Request, s session.Session) {
	all, err := session.Collect(a.sessions.Sessions(r.Context(), s.User()))
	if err != nil {
		a.site.Error(w, r, err)
		return
	}
	a.render(w, r, http.StatusOK, "sessions.html", page{
		Session: s.Info(), Flash: flash.Pop(s), Theme: theme.GetOr(s, themes[0]), Sessions: all,
	})
}

// revoke ends one session of the user who asks. Of somebody else's it says what it says of one that does not exist.
func (a *App) revoke(w http.ResponseWriter, r *http.Request, s session.Session) {
	id, err := store.ParseID(r.PostFormValue("id"))
	if err != nil {
		err = session.ErrNotFound
	} else {
		own := id == s.ID()
		err = a.sessions.Revoke(r.Context(), s.User(), id)
		if own && (err == nil || isPending(err)) {
			back(w, r, "/")
			return
		}
	}
	if err != nil && !isPending(err) {
		a.site.Error(w, r, err)
		return
	}
	flash.Set(s, "That session has ended"+by(err)+".")
	back(w, r, "/sessions")
}

func (a *App) revokeOthers(w http.ResponseWriter, r *http.Request, s session.Session) {
	n, err := a.sessions.RevokeOthers(r.Context(), s)
	if err != nil && !isPending(err) {
		a.site.Error(w, r, err)
		return
	}
	flash.Set(s, fmt.Sprintf("Other sessions that have ended%s: %d.", by(err), n))
	back(w, r, "/sessions")
}

// revokeAll ends the session of this request too.
func (a *App) revokeAll(w http.ResponseWriter, r *http.Request, s session.Session) {
	if _, err := a.sessions.RevokeUser(r.Context(), s.User()); err != nil && !isPending(err) {
		a.site.Error(w, r, err)
		return
	}
	back(w, r, "/")
}

// isPending reports whether a revocation is final, and only the cache could not be told.
func isPending(err error) bool {
	_, ok := errors.AsType[*session.PendingError](err)
	return ok
}

// by says until when a session that has ended may still be seen as alive.
func by(err error) string {
	if p, ok := errors.AsType[*session.PendingError](err); ok {
		return ", everywhere by " + p.EffectiveBy.Format(time.TimeOnly)
	}
	return ""
}
