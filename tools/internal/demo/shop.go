package demo

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/qsessions/qsessions/core/session"
)

// An Item is something in the cart.
type Item struct {
	Name  string
	Count int
}

// What the application keeps in a session.
const (
	theme  session.Key[string] = "theme"
	visits session.Key[int]    = "visits"
	cart   session.Key[[]Item] = "cart"
	flash  session.Key[string] = "flash" // shown once
)

var (
	themes = []string{"light", "dark"}
	goods  = []string{"apple", "pear", "plum"}
)

// An action is what a form does, by the field of a name that the browser sent, whatever the web framework is. It returns
// the path to show next. What it keeps of a field it has found among its own strings: those of Fiber end with the request.
type action func(s session.Session, field func(name string) string) (to string, err error)

// actions are those of the shop, by path.
var actions = map[string]action{
	"/theme": setTheme, "/cart/add": addToCart, "/cart/empty": emptyCart, "/sign-in": signIn, "/sign-out": signOut,
}

// A badForm is a form that this application did not make. It says why.
type badForm string

func (b badForm) Error() string { return string(b) }

// home counts visits only of those who have a session: whoever just looks gets no cookie, and costs no row.
func (a *App) home(ctx context.Context, s session.Session) page {
	if !s.ID().IsZero() {
		visits.Update(s, func(n int) int { return n + 1 })
	}
	return page{
		Title: "Shop", Session: a.sessions.Describe(ctx, s.Info()), Operator: s.User() == Operator, Users: Users, Flash: flash.Pop(s),
		Theme: theme.GetOr(s, themes[0]), Themes: themes,
		Visits: visits.Get(s), Cart: cart.Get(s), Goods: goods,
		Keys: slices.Sorted(s.Keys()), MadeUp: a.places.MadeUp(),
	}
}

func setTheme(s session.Session, field func(string) string) (string, error) {
	i := slices.Index(themes, field("theme"))
	if i < 0 {
		return "", badForm("There is no such theme.")
	}
	theme.Set(s, themes[i])
	return "/", nil
}

// addToCart uses Update: an item is not lost if another tab adds one at the same time.
func addToCart(s session.Session, field func(string) string) (string, error) {
	i := slices.Index(goods, field("item"))
	if i < 0 {
		return "", badForm("There is no such item.")
	}
	name := goods[i]
	cart.Update(s, func(items []Item) []Item {
		i := slices.IndexFunc(items, func(i Item) bool { return i.Name == name })
		if i < 0 {
			return append(items, Item{name, 1})
		}
		items[i].Count++
		return items
	})
	flash.Set(s, "One "+name+" more is in the cart.")
	return "/", nil
}

func emptyCart(s session.Session, _ func(string) string) (string, error) {
	cart.Delete(s)
	flash.Set(s, "The cart is empty.")
	return "/", nil
}

func signIn(s session.Session, field func(string) string) (string, error) {
	i := slices.Index(Users, field("user"))
	if i < 0 {
		return "", badForm("There is no such user.")
	}
	var options []session.LoginOption
	if field("remember") != "" {
		options = append(options, session.Remember())
	}
	s.Login(Users[i], options...)
	flash.Set(s, "You are signed in as "+Users[i]+".")
	return local(field("back")), nil
}

func signOut(s session.Session, _ func(string) string) (string, error) {
	s.Logout()
	return "/", nil
}

// signInPath is the address of the page to sign in on, which leads back.
func signInPath(back string) string { return "/sign-in?" + url.Values{"back": {back}}.Encode() }

// local returns path if it is one of this site, or else "/": nobody is to be sent elsewhere by a link to the sign-in.
func local(path string) string {
	_, err := url.Parse(path) // refuses control characters, which browsers skip
	if err != nil || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.Contains(path, `\`) {
		return "/"
	}
	return path
}
