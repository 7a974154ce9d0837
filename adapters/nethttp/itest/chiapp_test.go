package itest

import (
	"fmt"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/qsessions/qsessions/adapters/nethttp"
	"github.com/qsessions/qsessions/adapters/nethttp/pages"
	"github.com/qsessions/qsessions/core/session"
)

func chiApp(sessions *session.Manager) (http.Handler, error) {
	site := nethttp.New(sessions, nethttp.Config{})
	account, err := pages.NewAccount(sessions, pages.AccountConfig{})
	if err != nil {
		return nil, err
	}
	r := chi.NewRouter()
	r.Use(middleware.Recoverer, middleware.Compress(5), middleware.Timeout(time.Minute)) // all of them inside the sessions
	r.Get("/", site.With(func(w http.ResponseWriter, r *http.Request, s session.Session) {
		fmt.Fprintf(w, "user %q", s.User())
	}))
	r.Post("/login", site.With(func(w http.ResponseWriter, r *http.Request, s session.Session) {
		s.Login(r.FormValue("user")) // once the password is checked
		http.Redirect(w, r, "/devices", http.StatusSeeOther)
	}))
	r.Group(func(r chi.Router) {
		r.Use(site.Require)
		r.Get("/devices", site.With(func(w http.ResponseWriter, r *http.Request, s session.Session) {
			all, err := session.Collect(sessions.Sessions(r.Context(), s.User()))
			if err != nil {
				site.Error(w, r, err)
				return
			}
			for _, i := range all {
				fmt.Fprintln(w, i.ID, i.UserAgent)
			}
		}))
		r.With(site.RequireFresh(15*time.Minute)).Post("/devices/{id}/revoke", site.With(func(w http.ResponseWriter, r *http.Request, s session.Session) {
			id, err := session.ParseID(chi.URLParam(r, "id"))
			if err == nil {
				err = sessions.Revoke(r.Context(), s.User(), id)
			}
			if err != nil {
				site.Error(w, r, err)
				return
			}
			http.Redirect(w, r, "/devices", http.StatusSeeOther)
		}))
	})
	r.Mount("/account/sessions", account)
	return site.Handler(http.NewCrossOriginProtection().Handler(r)), nil
}
