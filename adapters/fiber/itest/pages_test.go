package itest

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v3"

	fibersession "github.com/qsessions/qsessions/adapters/fiber"
	"github.com/qsessions/qsessions/adapters/nethttp/pages"
	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/session"
)

// TestPages: the pages mount with one line each, and refuse forms of other sites.
func TestPages(t *testing.T) {
	t.Parallel()
	m, err := session.New(new(memory.Store), session.Config{})
	if err != nil {
		t.Fatal(err)
	}
	account, err := pages.NewAccount(m, pages.AccountConfig{})
	if err != nil {
		t.Fatal(err)
	}
	admin, err := pages.NewAdmin(m, pages.AdminConfig{Authorize: func(_ *http.Request, s session.Session) bool { return s.User() == "olga" }})
	if err != nil {
		t.Fatal(err)
	}
	app := fiber.New()
	app.Use(fibersession.New(m, fibersession.Config{}))
	app.Post("/login", fibersession.With(m, func(c fiber.Ctx, s session.Session) error { s.Login(c.Query("user")); return nil }))
	app.Use("/account/sessions", fibersession.HTTP(account))
	app.Use("/admin/sessions", fibersession.HTTP(admin))
	do := func(method, path, cookie string, header ...string) (*http.Response, string) {
		r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
		r.Header.Set("Cookie", cookie)
		for _, line := range header {
			name, value, _ := strings.Cut(line, ": ")
			r.Header.Set(name, value)
		}
		res, err := app.Test(r, fiber.TestConfig{})
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		return res, string(b)
	}
	login := func(user string) (cookie string) {
		res, _ := do("POST", "/login?user="+user, "")
		cookie, _, _ = strings.Cut(res.Header.Get("Set-Cookie"), ";")
		return cookie
	}
	alice, other, olga := login("alice"), login("alice"), login("olga")
	ctx, _ := m.Start(context.Background(), session.Client{}, other)
	s, err := m.From(ctx)
	if err != nil {
		t.Fatal(err)
	}
	id := s.ID().String()
	m.Close(ctx)
	if res, body := do("GET", "/account/sessions/", alice); res.StatusCode != 200 || !strings.Contains(body, id) || !strings.HasSuffix(res.Header.Get("Vary"), ", Cookie") {
		t.Errorf("the account page: got %d %v without %s", res.StatusCode, res.Header, id)
	}
	if res, body := do("GET", "/admin/sessions/", olga); res.StatusCode != 200 || !strings.Contains(body, id) {
		t.Errorf("the admin page: got %d without %s", res.StatusCode, id)
	}
	if res, _ := do("GET", "/admin/sessions/", alice); res.StatusCode == 200 {
		t.Error("everybody gets the admin page")
	}
	revoke := "/account/sessions/" + id + "/revoke"
	if res, _ := do("POST", revoke, alice, "Sec-Fetch-Site: cross-site"); res.StatusCode != 403 {
		t.Errorf("a form of another site: got %d, want 403", res.StatusCode)
	}
	if res, _ := do("POST", revoke, alice, "Origin: https://evil.example"); res.StatusCode != 403 {
		t.Errorf("a form of another origin: got %d, want 403", res.StatusCode)
	}
	if _, body := do("GET", "/account/sessions/", other); !strings.Contains(body, id) {
		t.Error("a form of another site has ended the session")
	}
	if res, _ := do("POST", revoke, alice, "Sec-Fetch-Site: same-origin"); res.StatusCode != 303 {
		t.Errorf("revoke: got %d, want 303", res.StatusCode)
	}
	if _, body := do("GET", "/account/sessions/", alice); strings.Contains(body, id) {
		t.Error("the session that was revoked is listed")
	}
	res, _ := do("POST", "/account/sessions/sign-out", alice, "Sec-Fetch-Site: same-origin")
	if got := res.Header.Get("Set-Cookie"); res.StatusCode != 303 || !strings.HasPrefix(got, "__Host-session=;") {
		t.Errorf("sign out: got %d %q", res.StatusCode, got)
	}
}
