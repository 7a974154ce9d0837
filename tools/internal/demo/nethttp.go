package demo

import (
	"errors"
	"net/http"

	"github.com/qsessions/qsessions/adapters/nethttp"
	"github.com/qsessions/qsessions/core/session"
)

// handler returns the application for net/http.
func (a *App) handler() http.Handler {
	site := nethttp.New(a.sessions, nethttp.Config{Error: a.error, ClientHints: true})
	mux := http.NewServeMux()
	for _, name := range []string{"style.css", "icon.svg"} {
		mux.HandleFunc("GET /"+name, func(w http.ResponseWriter, r *http.Request) {
			http.ServeFileFS(w, r, files, "pages/"+name)
		})
	}
	mux.Handle("GET /{$}", site.With(func(w http.ResponseWriter, r *http.Request, s session.Session) {
		a.show(w, r, http.StatusOK, "home.html", a.home(r.Context(), s))
	}))
	mux.Handle("GET /sign-in", site.With(func(w http.ResponseWriter, r *http.Request, s session.Session) {
		a.show(w, r, http.StatusOK, "sign-in.html", a.signInPage(s, r.FormValue("back")))
	}))
	for path, do := range actions {
		mux.Handle("POST "+path, site.With(func(w http.ResponseWriter, r *http.Request, s session.Session) {
			to, err := do(s, r.PostFormValue)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			http.Redirect(w, r, to, http.StatusSeeOther) // a reload does not send the form again
		}))
	}
	mux.Handle("/account/sessions/", a.account)
	mux.Handle("/admin/sessions/", a.admin)
	return headers(http.NewCrossOriginProtection().Handler(http.MaxBytesHandler(site.Handler(mux), maxBody)))
}

// headers puts security into the header of each response.
func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range security {
			w.Header().Set(name, value)
		}
		next.ServeHTTP(w, r)
	})
}

func (a *App) show(w http.ResponseWriter, r *http.Request, status int, name string, p page) {
	b, err := a.execute(name, p)
	if err != nil {
		nethttp.WriteError(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b) // the client has gone, or the session could not be committed: both are dealt with
}

// error answers those who are signed in no more with a page, and the rest as the adapter does.
func (a *App) error(w http.ResponseWriter, r *http.Request, err error) {
	if !errors.Is(err, session.ErrRevoked) {
		nethttp.WriteError(w, r, err)
		return
	}
	a.show(w, r, http.StatusUnauthorized, "sign-in.html", a.signedOutPage())
}
