package demo

import (
	"fmt"
	"net/http"
	"slices"

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
		if err == nil && own {
			back(w, r, "/")
			return
		}
	}
	if err != nil {
		a.site.Error(w, r, err)
		return
	}
	flash.Set(s, "That session has ended.")
	back(w, r, "/sessions")
}

func (a *App) revokeOthers(w http.ResponseWriter, r *http.Request, s session.Session) {
	n, err := a.sessions.RevokeOthers(r.Context(), s)
	if err != nil {
		a.site.Error(w, r, err)
		return
	}
	flash.Set(s, fmt.Sprintf("Other sessions that have ended: %d.", n))
	back(w, r, "/sessions")
}

// revokeAll ends the session of this request too.
func (a *App) revokeAll(w http.ResponseWriter, r *http.Request, s session.Session) {
	if _, err := a.sessions.RevokeUser(r.Context(), s.User()); err != nil {
		a.site.Error(w, r, err)
		return
	}
	back(w, r, "/")
}
