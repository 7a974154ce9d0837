package fibersession_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v3"
	"github.com/valyala/fasthttp"

	fibersession "github.com/qsessions/qsessions/adapters/fiber"
	"github.com/qsessions/qsessions/core/clientip"
	"github.com/qsessions/qsessions/core/session"
)

// TestCrossOrigin: ATK-11. A post from another site is refused before any handler, as http.CrossOriginProtection does it; a
// pattern that is let pass is no way around it by another spelling.
func TestCrossOrigin(t *testing.T) {
	t.Parallel()
	trusting := http.NewCrossOriginProtection()
	if err := trusting.AddTrustedOrigin("https://shop.example"); err != nil {
		t.Fatal(err)
	}
	trusting.AddInsecureBypassPattern("/hook/")
	for _, c := range []struct {
		trusting                    bool
		method, path, fetch, origin string
		want                        int
	}{
		{false, "POST", "/x", "cross-site", "", 403}, {false, "POST", "/x", "same-site", "", 403}, {false, "DELETE", "/x", "cross-site", "", 403},
		{false, "POST", "/x", "same-origin", "https://other.example", 200}, {false, "POST", "/x", "none", "", 200}, {false, "POST", "/x", "", "", 200},
		{false, "POST", "/x", "", "https://other.example", 403}, {false, "POST", "/x", "", "null", 403},
		{false, "POST", "/x", "", "https://example.com", 200}, {false, "POST", "/x", "", "https://example.com:444", 403},
		{false, "GET", "/x", "cross-site", "https://other.example", 200}, {false, "HEAD", "/x", "cross-site", "", 200}, {false, "OPTIONS", "/x", "cross-site", "", 200},
		{false, "POST", "/hook/x", "cross-site", "", 403}, {false, "POST", "/a%40b", "same-origin", "", 200},
		{true, "POST", "/x", "cross-site", "https://shop.example", 200}, {true, "POST", "/x", "cross-site", "https://other.example", 403},
		{true, "POST", "/hook/x", "cross-site", "https://other.example", 200}, {true, "POST", "/x/../hook/x", "cross-site", "https://other.example", 403},
		{true, "POST", "//hook/x", "cross-site", "https://other.example", 403}, {true, "POST", "/%68ook/x", "cross-site", "https://other.example", 403},
		{true, "POST", "/x/%2e%2e/hook/x", "cross-site", "https://other.example", 403},
	} {
		p := trusting
		if !c.trusting {
			p = nil
		}
		app, called := fiber.New(), false
		app.Use(fibersession.CrossOrigin(p), func(fiber.Ctx) error { called = true; return nil })
		var text strings.Builder
		text.WriteString(c.method + " " + c.path + " HTTP/1.1\r\nHost: example.com\r\n")
		for name, value := range map[string]string{"Sec-Fetch-Site": c.fetch, "Origin": c.origin} {
			if value != "" {
				text.WriteString(name + ": " + value + "\r\n")
			}
		}
		a := request(t, app.Handler(), text.String()+"\r\n")
		if a.StatusCode() != c.want || called != (c.want == 200) {
			t.Errorf("%+v: got %d; called: %t", c, a.StatusCode(), called)
		}
	}
}

// TestErrorsLogged: RPT-45. Each error of the server is logged once, with method, path and route, whatever the error handlers
// do; the log has neither the query nor the token. Status is there for them.
func TestErrorsLogged(t *testing.T) {
	t.Parallel()
	plain := func(c fiber.Ctx, err error) error { return c.SendStatus(fibersession.Status(err)) }
	pass := func(_ fiber.Ctx, err error) error { return err }
	for name, c := range map[string]struct {
		own fibersession.Config
		app fiber.Config
	}{
		"default": {}, "own": {own: fibersession.Config{ErrorHandler: plain}}, "own-passes-on": {own: fibersession.Config{ErrorHandler: pass}},
		"app": {app: fiber.Config{ErrorHandler: plain}}, "both": {fibersession.Config{ErrorHandler: pass}, fiber.Config{ErrorHandler: plain}},
	} {
		s := newSite(t, session.Config{}, c.own, c.app)
		route := "/" + name + "/:id"
		s.Group("/group", fibersession.Require(s.sessions)).Get(route, func(fiber.Ctx) error { t.Error("called"); return nil })
		s.on("/with"+route, func(fiber.Ctx, session.Session) error { t.Error("called"); return nil })
		s.on("/stale"+route, func(fiber.Ctx, session.Session) error { return session.ErrStale })
		s.on("/commit"+route, func(_ fiber.Ctx, x session.Session) error { note.Set(x, "x"); s.db.down.Store(true); return nil })
		cookie := s.get("/login?user=alice", nil).Header["Set-Cookie"][0]
		header := http.Header{"Cookie": {strings.Split(cookie, ";")[0]}}
		if a := s.get("/stale/"+name+"/x", header); a.StatusCode != 403 {
			t.Errorf("%s: got %d, want 403", name, a.StatusCode)
		}
		for _, path := range []string{"/commit", "/with", "/group"} {
			path += "/" + name + "/a%0Ab"
			if a := s.get(path+"?password=sesame", header); a.StatusCode != 503 {
				t.Errorf("%s: %s: got %d, want 503", name, path, a.StatusCode)
			}
			if got := strings.Count(logs.String(), `fibersession: GET "`+path+`" ("`); got != 1 {
				t.Errorf("%s: %s is logged %d times", name, path, got)
			}
		}
		if text := logs.String(); strings.Contains(text, "sesame") || strings.Contains(text, header.Get("Cookie")[20:]) || strings.Contains(text, "/stale") {
			t.Errorf("%s: the log has a query, a token, or a refusal", name)
		}
	}
	if fibersession.Status(nil) != 200 || fibersession.Status(fmt.Errorf("x: %w", session.ErrReplaced)) != 409 || fibersession.Status(fiber.NewError(418)) != 418 {
		t.Error("Status")
	}
}

// TestHeaderNames: ATK-11, RPT-35. With DisableHeaderNormalizing too the header's fields are found in any case, as a proxy may send
// them in small letters: else a post from another site would look like a program's request.
func TestHeaderNames(t *testing.T) {
	t.Parallel()
	ip, err := clientip.New(clientip.Config{Trusted: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/1")}})
	if err != nil {
		t.Fatal(err)
	}
	s := bareSite(t, session.Config{}, fiber.Config{DisableHeaderNormalizing: true})
	s.Use(fibersession.New(s.sessions, fibersession.Config{ClientIP: ip}), fibersession.CrossOrigin(nil))
	s.All("/", fibersession.With(s.sessions, func(c fiber.Ctx, x session.Session) error {
		x.Login("alice")
		return c.SendString(x.Info().IP.String())
	}))
	ask := func(method, fields string) *fasthttp.Response {
		var c fasthttp.RequestCtx
		c.Request.Header.DisableNormalizing()
		if err := c.Request.Read(bufio.NewReader(strings.NewReader(method + " / HTTP/1.1\r\nhost: example.com\r\n" + fields + "\r\n"))); err != nil {
			t.Fatal(err)
		}
		c.SetRemoteAddr(&net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 9})
		s.Handler()(&c)
		return &c.Response
	}
	for fields, want := range map[string]int{
		"": 200, "sec-fetch-site: cross-site\r\n": 403, "SEC-FETCH-SITE: same-site\r\n": 403, "Sec-Fetch-Site: cross-site\r\n": 403,
		"origin: https://other.example\r\n": 403, "origin: https://example.com\r\n": 200, "sec-fetch-site: same-origin\r\n": 200,
	} {
		if got := ask("POST", fields).StatusCode(); got != want {
			t.Errorf("%q: got %d, want %d", fields, got, want)
		}
	}
	for _, name := range []string{"X-Forwarded-For", "x-forwarded-for", "X-FORWARDED-FOR"} {
		if got := string(ask("GET", name+": 198.51.100.7\r\n").Body()); got != "198.51.100.7" {
			t.Errorf("%s: the client is %s", name, got)
		}
	}
	token, _, _ := strings.Cut(string(ask("GET", "").Header.Peek("Set-Cookie")), ";")
	if a := ask("GET", "cookie: "+token+"\r\n"); token == "" || string(a.Header.Peek("Set-Cookie")) == "" {
		t.Errorf("%q: %v", token, a)
	}
}
