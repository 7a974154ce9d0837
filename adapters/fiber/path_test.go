package fibersession_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/gofiber/fiber/v3"
	"github.com/valyala/fasthttp"

	fibersession "github.com/qsessions/qsessions/adapters/fiber"
	"github.com/qsessions/qsessions/core/session"
)

// request serves one request in this goroutine, as it is on the wire.
func request(t *testing.T, h fasthttp.RequestHandler, text string) *fasthttp.Response {
	t.Helper()
	var c fasthttp.RequestCtx
	if err := c.Request.Read(bufio.NewReader(strings.NewReader(text))); err != nil {
		c.Response.SetStatusCode(400) // as the server answers
		return &c.Response
	}
	h(&c)
	return &c.Response
}

// spellings calls f with several thousand spellings of /staff/report.
func spellings(f func(spelling string)) {
	staff := []string{"staff", "STAFF", "sTaff", "%73taff", "%53taff", "s%74aff", "st%61ff", "sta%66f", "staf%66", "staf%46", "%73%74%61%66%66", "%2573taff", "staff%2e", "%EF%BD%93taff", "%c1%b3taff", "x/%2e%2e/staff"}
	for _, before := range []string{"/", "//", "/./", "/x/../", "/%2e/", "/x/%2e%2e/", `\`, `/\`, "/%5c", "/%2F", "%2f", "/;/../", "/staff/../", "/%00/", "/x%2f..%2f", `/x\..\`, "http://h/", "http://h//", "http://h/x/../"} {
		for _, name := range staff {
			for _, between := range []string{"/", "//", "/./", "/x/../", "%2F", "%5c", `\`, "/%2e%2e/staff/", "%3b/", "/;/", "%00/", "#/", "?/"} {
				for _, after := range []string{"report", "%72eport", "report/", "report/%2e"} {
					f(before + name + between + after)
				}
			}
		}
	}
}

// TestSpellings: ATK-11. No spelling of a path reaches, through HTTP, what Fiber guards by another one.
func TestSpellings(t *testing.T) {
	t.Parallel()
	secret := func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "SECRET") }
	mux := http.NewServeMux()
	mux.HandleFunc("/staff/", secret)
	mux.HandleFunc("/staff", secret)
	handlers := map[string]http.Handler{
		"ServeMux":   mux,
		"FileServer": http.FileServerFS(fstest.MapFS{"staff/report": {Data: []byte("SECRET")}}),
		"by its own rules": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for _, p := range []string{r.URL.Path, r.URL.EscapedPath()} {
				if p = path.Clean("/" + strings.ReplaceAll(p, `\`, "/")); p == "/staff" || strings.HasPrefix(p, "/staff/") {
					secret(w, r)
					return
				}
			}
		}),
	}
	for _, c := range []fiber.Config{{}, {CaseSensitive: true}, {StrictRouting: true}, {UnescapePath: true}, {UnescapePath: true, StrictRouting: true, CaseSensitive: true, Immutable: true}} {
		for name, h := range handlers {
			s := newSite(t, session.Config{}, fibersession.Config{}, c)
			asked := false
			s.App.Use("/staff", func(c fiber.Ctx) error {
				asked = true
				return c.Next()
			})
			s.App.Use(fibersession.HTTP(h))
			serve, tried, reached, past := s.Handler(), 0, 0, 0
			spellings(func(spelling string) {
				if tried++; each < 10_000 && tried%7 != 1 {
					return // the race detector has seen enough
				}
				asked = false
				a := request(t, serve, "GET "+spelling+" HTTP/1.1\r\nHost: h\r\n\r\n")
				if !strings.Contains(string(a.Body()), "SECRET") {
					return
				}
				if reached++; !asked {
					if past++; past < 5 {
						t.Errorf("%s, %+v: %s passes the guard", name, c, spelling)
					}
				}
			})
			if tried < 5000 || reached == 0 || past > 0 {
				t.Errorf("%s: of %d spellings %d reach the handler, %d of them past the guard", name, tried, reached, past)
			}
		}
	}
}

// TestPaths: ATK-11. What a handler of net/http gets of a path, and which paths are refused; with UnescapePath as Fiber decodes.
func TestPaths(t *testing.T) {
	t.Parallel()
	for _, unescape := range []bool{false, true} {
		s := newSite(t, session.Config{}, fibersession.Config{}, fiber.Config{UnescapePath: unescape})
		s.App.Use(fibersession.HTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = fmt.Fprint(w, r.URL.Path, " ", r.URL.EscapedPath())
		})))
		serve := s.Handler()
		for target, wants := range map[string][2]string{ // without and with UnescapePath; "" is refused
			"/":                    {"/ /", "/ /"},
			"/a/b/":                {"/a/b/ /a/b/", "/a/b/ /a/b/"},
			"/a%20b":               {"/a b /a%20b", "/a b /a%20b"},
			"/%C3%BC/%e2%82%ac":    {"/ü/€ /%C3%BC/%e2%82%ac", "/ü/€ /%C3%BC/%e2%82%ac"},
			"/a;b,c=d&e@f:g!":      {"/a;b,c=d&e@f:g! /a;b,c=d&e@f:g!", "/a;b,c=d&e@f:g! /a;b,c=d&e@f:g!"},
			"/%25":                 {"/% /%25", "/% /%25"},
			"/%2573":               {"/%73 /%2573", "/%73 /%2573"},
			"/a...b/..c/d..":       {"/a...b/..c/d.. /a...b/..c/d..", "/a...b/..c/d.. /a...b/..c/d.."},
			"/a+b":                 {"/a+b /a+b", "/a b /a%20b"},
			"/%61":                 {"", "/a /%61"},
			"/ann%40example.org":   {"", "/ann@example.org /ann%40example.org"},
			"/a%2fb":               {"", "/a/b /a%2fb"},
			"/a%5cb":               {"", ""},
			`/a\b`:                 {"", ""},
			"//a":                  {"", ""},
			"/a//":                 {"", ""},
			"/./a":                 {"", ""},
			"/a/..":                {"", ""},
			"/a/%2e%2e/b":          {"", ""},
			"/%2f":                 {"", ""},
			"/%zz":                 {"", ""},
			"/%":                   {"", ""},
			"http://other.host/a?": {"/a /a", "/a /a"},
			"http://other.host//a": {"", ""},
		} {
			a, want := request(t, serve, "GET "+target+" HTTP/1.1\r\nHost: h\r\n\r\n"), wants[0]
			if unescape {
				want = wants[1]
			}
			if got := string(a.Body()); want == "" && a.StatusCode()/100 != 4 || want != "" && got != want {
				t.Errorf("UnescapePath %t: %s: got %d %q, want %q", unescape, target, a.StatusCode(), got, want)
			}
		}
	}
}

// TestOneSpelling: ATK-11. Of the octets that have to be encoded, too, one spelling alone gets through: a guard that is there for
// the encoded form is not passed by the raw one, nor by other digits where letters of routes have a case.
func TestOneSpelling(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		config       fiber.Config
		guard, other string
	}{
		{fiber.Config{}, "/b%C3%BCro", "/büro"}, {fiber.Config{}, "/a%22b", `/a"b`}, {fiber.Config{}, "/a%7Cb", "/a|b"}, {fiber.Config{}, "/a%5Bb", "/a[b"},
		{fiber.Config{}, "/b%C3%BCro", "/b%c3%bcro"},
		{fiber.Config{CaseSensitive: true}, "/b%C3%BCro", "/b%c3%bcro"}, {fiber.Config{CaseSensitive: true}, "/b%C3%BCro", "/b%C3\xbcro"},
		{fiber.Config{UnescapePath: true}, "/büro", "/b%C3%BCro"}, {fiber.Config{UnescapePath: true}, "/büro", "/b\xc3%bcro"},
	} {
		s := newSite(t, session.Config{}, fibersession.Config{}, c.config)
		s.App.Use(c.guard, func(fiber.Ctx) error { return fiber.ErrForbidden })
		s.App.Use(fibersession.HTTP(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			t.Errorf("%+v: %q passes the guard of %s, as %q", c.config, c.other, c.guard, r.URL.Path)
		})))
		for _, target := range []string{c.guard, c.other, c.other + "/", c.other + "/x", c.other + "?y=/x"} {
			if a := request(t, s.Handler(), "GET "+target+" HTTP/1.1\r\nHost: h\r\n\r\n"); a.StatusCode() != 403 && a.StatusCode() != 400 {
				t.Errorf("%+v: %q: got %d", c.config, target, a.StatusCode())
			}
		}
	}
}

// TestFragment: ATK-11. A handler of net/http sees no parameters that Fiber takes for a fragment.
func TestFragment(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.Config{}, fibersession.Config{})
	s.App.Use(func(c fiber.Ctx) error {
		if c.Query("id") == "2" {
			return fiber.ErrForbidden
		}
		return c.Next()
	})
	s.App.Use(fibersession.HTTP(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if id := r.URL.Query().Get("id"); id != "" && id != "1" {
			t.Errorf("%q passes the guard with id %q", r.RequestURI, id)
		}
	})))
	for _, target := range []string{"/?id=1", "/?id=2", "/#?id=2", "/?id=1#&id=3", "/x#/?id=2", "/?#&id=2"} {
		request(t, s.Handler(), "GET "+target+" HTTP/1.1\r\nHost: h\r\n\r\n")
	}
}
