package nethttp_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/qsessions/qsessions/adapters/nethttp"
	"github.com/qsessions/qsessions/core/session"
)

// TestCrossSite: RPT-15. A form of another site comes without the cookie that the browser has. What its handler sets does not
// replace that cookie; a login does.
func TestCrossSite(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.Config{}, nethttp.Config{})
	s.on("/flash", func(w http.ResponseWriter, r *http.Request, s session.Session) {
		flash.Set(s, []string{"hello"})
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	s.on("/save", func(w http.ResponseWriter, r *http.Request, x session.Session) {
		note.Set(x, "lost")
		err := x.Save(r.Context())
		if !errors.Is(err, session.ErrCrossSite) {
			t.Errorf("Save: got %v, want ErrCrossSite", err)
		}
		s.Error(w, r, err)
	})
	fromElsewhere := func(r *http.Request) {
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		r.Header.Set("Sec-Fetch-Mode", "navigate")
		r.Header.Set("Sec-Fetch-Dest", "document")
	}
	withoutCookie := func(r *http.Request) { // as the browser does with SameSite=Lax; Go's jar knows nothing of it
		fromElsewhere(r)
		r.AddCookie(&http.Cookie{Name: "other", Value: "x"})
	}
	open := serve(t, 1, s.handler())
	b, jarless := open(""), open("")
	b.want("/login?user=alice", 200, "")
	jarless.client.Jar = nil
	for path, status := range map[string]int{"/flash": 303, "/set?note=x": 200, "/save": 403} {
		if a := jarless.do("POST", path, withoutCookie); a.StatusCode != status || a.Header["Set-Cookie"] != nil {
			t.Errorf("RPT-15 %s: got %d, %q; want %d and no cookie", path, a.StatusCode, a.Header["Set-Cookie"], status)
		}
	}
	if got := s.rows(); got != 1 {
		t.Errorf("RPT-15: %d rows, want alice's", got)
	}
	if a := jarless.do("POST", "/login?user=bob", withoutCookie); a.StatusCode != 200 || len(a.Header["Set-Cookie"]) != 1 {
		t.Errorf("RPT-15 login: got %d, %q; want a cookie", a.StatusCode, a.Header["Set-Cookie"])
	}
	if a := jarless.do("GET", "/set?note=x", fromElsewhere); len(a.Header["Set-Cookie"]) != 1 {
		t.Errorf("RPT-15: a link of another site, with which the browser sends its cookie: got %q", a.Header["Set-Cookie"])
	}
	if a := b.do("POST", "/set?note=x", fromElsewhere); a.Header["Set-Cookie"] != nil { // older browsers send it
		t.Errorf("RPT-15: with the cookie: got %q", a.Header["Set-Cookie"])
	}
	b.want("/get", 200, "user=alice note=x")
}
