package demo

import (
	"bytes"
	"net/http"
	"time"

	"github.com/qsessions/qsessions/core/session"
)

// A page is what the templates show. Each uses a part of it.
type page struct {
	Session  session.Info
	Users    []string
	Flash    string
	Theme    string
	Themes   []string
	Visits   int
	Cart     []Item
	Goods    []string
	Keys     []string
	Sessions []session.Info
}

// AsIf is the address that a place is that of, where the client's own is nowhere.
func (page) AsIf(i session.Info) string { return i.Extra[asIf] }

// Time is for people.
func (page) Time(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05") }

// Ago is for people too.
func (page) Ago(t time.Time) string {
	d := time.Since(t)
	if d < time.Second {
		return "now"
	}
	return d.Truncate(time.Second).String() + " ago"
}

// render makes the whole page before the response begins: a fault of a template is an error page, not half a page.
func (a *App) render(w http.ResponseWriter, r *http.Request, status int, name string, p page) {
	var b bytes.Buffer
	if err := a.pages.ExecuteTemplate(&b, name, p); err != nil {
		a.site.Error(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the client has gone, or the session could not be committed: both are dealt with
}

// back sends the browser to a page after a form, so that a reload does not send the form again.
func back(w http.ResponseWriter, r *http.Request, path string) {
	http.Redirect(w, r, path, http.StatusSeeOther)
}
