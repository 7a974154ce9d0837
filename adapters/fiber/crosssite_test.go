package fibersession_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gofiber/fiber/v3"

	fibersession "github.com/qsessions/qsessions/adapters/fiber"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/sessiontest"
)

// TestCrossSite: RPT-15. A form of another site comes without the cookie that the browser has. What its handler sets does not
// replace that cookie; a login does.
func TestCrossSite(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.Config{}, fibersession.Config{})
	s.on("/save", func(c fiber.Ctx, x session.Session) error {
		note.Set(x, "lost")
		err := x.Save(c.Context())
		if !errors.Is(err, session.ErrCrossSite) {
			t.Errorf("Save: got %v, want ErrCrossSite", err)
		}
		return err
	})
	s.on("/redirect", func(c fiber.Ctx, x session.Session) error {
		note.Set(x, "lost")
		return c.Redirect().Status(303).To("/")
	})
	s.All("/http", fibersession.HTTP(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		x, err := session.From(r.Context())
		if err != nil {
			t.Error(err)
			return
		}
		note.Set(x, "lost")
	})))
	do := func(method, path, cookie string) answer {
		r := httptest.NewRequest(method, path, nil)
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		r.Header.Set("Sec-Fetch-Mode", "navigate")
		r.Header.Set("Sec-Fetch-Dest", "document")
		if cookie != "" {
			r.Header.Set("Cookie", cookie)
		}
		return s.call(r)
	}
	for path, status := range map[string]int{"/set?note=x": 200, "/redirect": 303, "/http": 200, "/save": 403} {
		if a := do("POST", path, ""); a.StatusCode != status || a.Header["Set-Cookie"] != nil || s.rows() != 0 {
			t.Errorf("RPT-15 %s: got %d, %q and %d rows; want %d, no cookie and no row", path, a.StatusCode, a.Header["Set-Cookie"], s.rows(), status)
		}
	}
	for what, a := range map[string]answer{"login": do("POST", "/login?user=bob", ""), "link": do("GET", "/set?note=x", "")} {
		if a.StatusCode != 200 || len(a.Header["Set-Cookie"]) != 1 {
			t.Errorf("RPT-15 %s: got %d, %q; want a cookie", what, a.StatusCode, a.Header["Set-Cookie"])
		}
	}
	_, alice := sessiontest.Header(t, s.sessions, func(s session.Session) { s.Login("alice") })
	if a := do("POST", "/set?note=x", alice); a.Header["Set-Cookie"] != nil { // older browsers send it
		t.Errorf("RPT-15 with the cookie: got %q", a.Header["Set-Cookie"])
	}
	if a := do("GET", "/get", alice); a.body != "user=alice note=x" {
		t.Errorf("RPT-15 with the cookie: got %q", a.body)
	}
}
