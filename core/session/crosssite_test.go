package session

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/qsessions/qsessions/core/memory"
)

// TestCrossSite: RPT-15. The table of what browsers withhold: a request of another site has the cookie if that is
// SameSite=None, or Lax and the request is a top-level navigation by a safe method. Only where it is withheld, and no token
// came, a value is not stored, for its cookie could replace that of a session.
func TestCrossSite(t *testing.T) {
	t.Parallel()
	type fetch struct{ method, site, mode, dest string }
	lax := map[fetch]bool{ // of cross-site requests; true: a Lax cookie is withheld
		{"GET", "cross-site", "navigate", "document"}:       false,
		{"HEAD", "cross-site", "navigate", "document"}:      false,
		{"POST", "cross-site", "navigate", "document"}:      true,
		{"PUT", "cross-site", "navigate", "document"}:       true,
		{"GET", "cross-site", "navigate", "iframe"}:         true,
		{"GET", "cross-site", "navigate", "embed"}:          true,
		{"GET", "cross-site", "no-cors", "image"}:           true,
		{"GET", "cross-site", "no-cors", "script"}:          true,
		{"GET", "cross-site", "cors", "empty"}:              true,
		{"POST", "cross-site", "cors", "empty"}:             true,
		{"GET", "cross-site", "websocket", "empty"}:         true,
		{"GET", "cross-site", "", ""}:                       true,
		{"get", "cross-site", "navigate", "document"}:       true, // methods have a case
		{"GET", "Cross-Site", "navigate", "iframe"}:         false,
		{"POST", "same-origin", "navigate", "document"}:     false,
		{"POST", "same-site", "navigate", "document"}:       false,
		{"POST", "none", "navigate", "document"}:            false,
		{"POST", "", "", ""}:                                false, // a browser without Fetch Metadata, or none
		{"GET", "cross-site, same-origin", "cors", "empty"}: false,
	}
	for f, withheld := range lax {
		header := http.Header{"Sec-Fetch-Site": {f.site}, "Sec-Fetch-Mode": {f.mode}, "Sec-Fetch-Dest": {f.dest}}
		for same, want := range map[SameSite]bool{SameSiteLax: withheld, SameSiteStrict: f.site == "cross-site", SameSiteNone: false} {
			db := new(counting)
			m := newManager(t, db, Config{Cookie: Cookie{SameSite: same}})
			for name, test := range map[string]struct {
				line string
				do   func(s Session)
				want bool // nothing is stored
			}{
				"value":                     {"", func(s Session) { color.Set(s, "red") }, want},
				"other cookie":              {"a=b; __Host-session=x", func(s Session) { color.Set(s, "red") }, want},
				"value, dead token":         {"__Host-session=" + freshToken(), func(s Session) { color.Set(s, "red") }, false},
				"login":                     {"", logsIn("alice"), false},
				"value and login":           {"", func(s Session) { color.Set(s, "red"); s.Login("alice") }, false},
				"value, logout, and login":  {"", func(s Session) { color.Set(s, "red"); s.Logout(); s.Login("alice") }, false},
				"value and limits":          {"", func(s Session) { color.Set(s, "red"); s.Expire(day, day) }, want},
				"value and rotation":        {"", func(s Session) { color.Set(s, "red"); s.Rotate() }, want},
				"value that is read before": {"", func(s Session) { color.Update(s, func(c string) string { return c + "red" }) }, want},
			} {
				created := db.creates.Load()
				ctx, _ := m.Start(t.Context(), Client{}, test.line)
				m.NoteFetch(ctx, ReadFetch(f.method, header.Get))
				s, err := m.From(ctx)
				if err != nil {
					t.Fatal(err)
				}
				test.do(s)
				if err := s.Save(ctx); test.want != errors.Is(err, ErrCrossSite) || !test.want && err != nil {
					t.Errorf("%+v, SameSite %d, %s: Save: %v", f, same, name, err)
				}
				if s.User() == "" && color.Get(s) != "red" {
					t.Errorf("%+v, SameSite %d, %s: the request does not see its own value", f, same, name)
				}
				e, err := m.Finish(ctx)
				if err != nil || (e.Name == "") != test.want || db.creates.Load() == created != test.want {
					t.Errorf("%+v, SameSite %d, %s: %v, %v, %d stored, want nothing stored: %t", f, same, name, e, err, db.creates.Load()-created, test.want)
				}
				m.Close(ctx)
			}
		}
	}
}

// TestCrossSiteKeepsSession: RPT-15. The flash message of a form that another site sends signs no user out.
func TestCrossSiteKeepsSession(t *testing.T) {
	t.Parallel()
	m := newManager(t, new(memory.Store), Config{})
	b := newBrowser(t, m)
	b.do(logsIn("alice"))
	post := Fetch{"POST", "cross-site", "navigate", "document"}
	cookie := b.cookie
	b.cookie = "" // the browser withholds it
	r := b.start()
	m.NoteFetch(r.ctx, post)
	color.Set(r.s, "flash")
	if _, err := r.end(); err != nil {
		t.Fatal(err)
	}
	if b.cookie == "" {
		b.cookie = cookie // no other one has come
	}
	if u := b.user(); u != "alice" {
		t.Errorf("user %q: the cookie of a flash message has replaced that of the session", u)
	}
	r = b.start() // SameSite=None elsewhere, or a browser that sends it: what is there can be changed
	m.NoteFetch(r.ctx, post)
	color.Set(r.s, "red")
	if _, err := r.end(); err != nil {
		t.Fatal(err)
	}
	b.do(func(s Session) {
		if color.Get(s) != "red" || s.User() != "alice" {
			t.Errorf("user %q, color %q", s.User(), color.Get(s))
		}
	})
}

// TestCrossSiteHeader: RPT-15. Nothing is withheld of a header that scripts set, and a context without a session is left alone.
func TestCrossSiteHeader(t *testing.T) {
	t.Parallel()
	m := newManager(t, new(memory.Store), Config{Header: "X-Session"})
	f := Fetch{"POST", "cross-site", "cors", "empty"}
	ctx, _ := m.Start(t.Context(), Client{})
	m.NoteFetch(ctx, f)
	s, err := m.From(ctx)
	if err != nil {
		t.Fatal(err)
	}
	color.Set(s, "red")
	if e, err := m.Finish(ctx); err != nil || e.Name != "X-Session" {
		t.Errorf("%v, %v", e, err)
	}
	m.Close(ctx)
	m.NoteFetch(context.Background(), f)
}
