package demo

import (
	"bytes"
	"time"

	"github.com/qsessions/qsessions/core/session"
)

// A page is what the templates show. Each uses a part of it.
type page struct {
	Title    string
	Session  session.Info
	Operator bool
	Users    []string
	Back     string // where to go after the sign-in
	Flash    string
	Theme    string
	Themes   []string
	Visits   int
	Cart     []Item
	Goods    []string
	Keys     []string
	MadeUp   bool // the places
}

// AsIf is the address that the place is that of, where the client's own is nowhere.
func (p page) AsIf() string { return p.Session.Extra[asIf] }

// Time is for people.
func (page) Time(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05") }

func (a *App) signInPage(s session.Session, back string) page {
	return page{Title: "Sign in", Session: s.Info(), Operator: s.User() == Operator, Users: Users, Back: local(back), Theme: theme.GetOr(s, themes[0])}
}

func (a *App) signedOutPage() page { return page{Title: "Sign in", Users: Users, Back: "/"} }

// execute makes the whole page before the response begins: a fault of a template is an error page, not half a page.
func (a *App) execute(name string, p page) ([]byte, error) {
	var b bytes.Buffer
	err := a.pages.ExecuteTemplate(&b, name, p)
	return b.Bytes(), err
}
