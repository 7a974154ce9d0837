package demo

import (
	"net/http"
	"slices"

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

// home counts visits only of those who have a session: whoever just looks gets no cookie, and costs no row.
func (a *App) home(w http.ResponseWriter, r *http.Request, s session.Session) {
	if !s.ID().IsZero() {
		visits.Update(s, func(n int) int { return n + 1 })
	}
	a.render(w, r, http.StatusOK, "home.html", page{
		Session: s.Info(), Users: Users, Flash: flash.Pop(s),
		Theme: theme.GetOr(s, themes[0]), Themes: themes,
		Visits: visits.Get(s), Cart: cart.Get(s), Goods: goods,
		Keys: slices.Sorted(s.Keys()),
	})
}

func (a *App) setTheme(w http.ResponseWriter, r *http.Request, s session.Session) {
	name := r.PostFormValue("theme")
	if !slices.Contains(themes, name) {
		http.Error(w, "There is no such theme.", http.StatusBadRequest)
		return
	}
	theme.Set(s, name)
	back(w, r, "/")
}

// addToCart uses Update: an item is not lost if another tab adds one at the same time.
func (a *App) addToCart(w http.ResponseWriter, r *http.Request, s session.Session) {
	name := r.PostFormValue("item")
	if !slices.Contains(goods, name) {
		http.Error(w, "There is no such item.", http.StatusBadRequest)
		return
	}
	cart.Update(s, func(items []Item) []Item {
		i := slices.IndexFunc(items, func(i Item) bool { return i.Name == name })
		if i < 0 {
			return append(items, Item{name, 1})
		}
		items[i].Count++
		return items
	})
	flash.Set(s, "One "+name+" more is in the cart.")
	back(w, r, "/")
}

func (a *App) emptyCart(w http.ResponseWriter, r *http.Request, s session.Session) {
	cart.Delete(s)
	flash.Set(s, "The cart is empty.")
	back(w, r, "/")
}
