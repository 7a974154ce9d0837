package main

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"net/http"

	"github.com/qsessions/qsessions/adapters/nethttp"
	"github.com/qsessions/qsessions/adapters/nethttp/pages"
	sqlxstore "github.com/qsessions/qsessions/backend/sqlx"
	"github.com/qsessions/qsessions/core/session"
	_ "modernc.org/sqlite"
)

const Visits session.Key[int] = "visits" // typed, a constant, no registration

func main() {
	ctx := context.Background()
	db, err := sqlxstore.Open(ctx, "sqlite", "app.db", sqlxstore.Config{})
	if err != nil {
		log.Fatal(err)
	}
	if err := db.Migrate(ctx); err != nil {
		log.Fatal(err)
	}
	sessions, err := session.New(db, session.Config{Logger: slog.Default()}) // validates everything
	if err != nil {
		log.Fatal(err)
	}
	go sessions.Run(ctx) // sweeps what has expired

	site := nethttp.New(sessions, nethttp.Config{})
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", site.With(func(w http.ResponseWriter, r *http.Request, s session.Session) {
		Visits.Update(s, func(n int) int { return n + 1 }) // runs again if another request saved in between
		fmt.Fprintf(w, "%q has been here %d times\n", s.User(), Visits.Get(s))
	}))
	mux.Handle("POST /login", site.With(func(w http.ResponseWriter, r *http.Request, s session.Session) {
		s.Login(r.FormValue("user")) // once the password is checked: binds the user, replaces the token
		http.Redirect(w, r, "/account/sessions/", http.StatusSeeOther)
	}))
	account, err := pages.NewAccount(sessions, pages.AccountConfig{}) // "your sessions": people see and end their own
	if err != nil {
		log.Fatal(err)
	}
	mux.Handle("/account/sessions/", account)
	log.Fatal(http.ListenAndServe("127.0.0.1:8081", site.Handler(http.NewCrossOriginProtection().Handler(mux))))
}
