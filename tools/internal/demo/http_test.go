package demo

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"html"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/tools/internal/stores/storestest"
)

// TestCrossOrigin wants forms of other sites, and changes by GET, to be refused.
func TestCrossOrigin(t *testing.T) {
	t.Parallel()
	eachAdapter(t, func(t *testing.T, adapter Adapter) {
		site := start(t, adapter, storestest.SQLite(t), "")
		alice, olga := site.browser(t, "one"), site.browser(t, "two")
		alice.signIn(t, "alice")
		olga.signIn(t, Operator)
		id := alice.of(t, "one").ID
		paths := []string{ownPath + id + "/revoke", ownPath + "revoke-others", ownPath + "sign-out", allPath + id + "/revoke", allPath + "revoke"}
		for path := range actions {
			paths = append(paths, path)
		}
		form := url.Values{"id": {id}, "confirm": {"1"}, "user": {"bob"}, "theme": {"dark"}, "item": {"pear"}}
		for _, b := range []*browser{alice, olga} {
			for _, path := range paths {
				for _, header := range [][]string{
					{"Sec-Fetch-Site", "cross-site"},
					{"Sec-Fetch-Site", "same-site"},
					{"Origin", "https://evil.example"},
					{"Origin", "null"},
				} {
					if got := b.do(t, http.MethodPost, path, form, header...).status; got != http.StatusForbidden {
						t.Errorf("POST %s with %v: got status %d, want 403", path, header, got)
					}
				}
				if path == "/sign-in" {
					continue // a page, too
				}
				if got := b.do(t, http.MethodGet, path+"?"+form.Encode(), nil).status; got != http.StatusMethodNotAllowed {
					t.Errorf("GET %s: got status %d, want 405", path, got)
				}
			}
		}
		if got := alice.get(t, "/sign-in?"+form.Encode()).user(); got != "alice" {
			t.Errorf("GET /sign-in has signed %q in", got)
		}
		after := alice.get(t, "/")
		if after.user() != "alice" || after.cart() != "" || !strings.Contains(after.body, `data-theme="light"`) {
			t.Errorf("something has changed:\n%s", after.body)
		}
		if got := alice.do(t, http.MethodPost, "/cart/add", form, "Sec-Fetch-Site", "same-origin", "Origin", site.url).status; got != http.StatusOK {
			t.Errorf("from the site itself: got status %d", got)
		}
	})
}

// TestPages wants pages that load nothing from elsewhere, run nothing inline, and show a hostile User-Agent as text.
func TestPages(t *testing.T) {
	t.Parallel()
	eachAdapter(t, func(t *testing.T, adapter Adapter) {
		site := start(t, adapter, storestest.SQLite(t), "")
		const agent = `<script>alert(1)</script>" onload="x`
		one, olga := site.browser(t, agent), site.browser(t, "x")
		one.signIn(t, "alice")
		olga.signIn(t, Operator)
		row := one.of(t, agent)
		for _, test := range []struct {
			b    *browser
			path string
		}{{one, "/"}, {one, "/sign-in"}, {one, ownPath}, {one, ownPath + row.ID}, {olga, "/"}, {olga, allPath}, {olga, allPath + row.ID}, {olga, allPath + "charts"}} {
			v := test.b.get(t, test.path)
			if v.status != http.StatusOK {
				t.Errorf("%s: got status %d", test.path, v.status)
			}
			if regexp.MustCompile(`<script(?: src="\.?/[^"]*" defer>)?`).ReplaceAllString(v.body, "") != regexp.MustCompile(`<script src="\.?/[^"]*" defer>`).ReplaceAllString(v.body, "") || strings.Contains(v.body, "style=") {
				t.Errorf("%s has an inline script or style", test.path)
			}
			if got := v.header.Values("Content-Security-Policy"); len(got) != 1 || !strings.Contains(got[0], "default-src 'none'") || strings.Contains(got[0], "unsafe") {
				t.Errorf("%s: got Content-Security-Policy %q", test.path, got)
			}
			if got := v.header.Values("Cache-Control"); len(got) != 1 || got[0] != "no-store" {
				t.Errorf("%s: got Cache-Control %q", test.path, got)
			}
			for _, m := range regexp.MustCompile(`(?:href|src)="(\.?/[^"]*\.(?:css|js|svg))"`).FindAllStringSubmatch(v.body, -1) {
				u, err := (&url.URL{Path: test.path}).Parse(m[1])
				if err != nil {
					t.Fatal(err)
				}
				if asset := test.b.get(t, u.Path); asset.status != http.StatusOK || !strings.Contains(asset.header.Get("Content-Type"), map[string]string{".css": "text/css", ".js": "javascript", ".svg": "image/svg+xml"}[path.Ext(m[1])]) {
					t.Errorf("%s: %s has status %d and type %q", test.path, m[1], asset.status, asset.header.Get("Content-Type"))
				}
			}
		}
		if got := one.get(t, strings.TrimSuffix(ownPath, "/")); got.status != http.StatusOK || !strings.Contains(got.body, row.ID) {
			t.Errorf("without the slash at its end: got status %d", got.status)
		}
		for _, test := range []struct {
			path string
			form url.Values
			want int
		}{
			{"/sign-in", url.Values{"user": {"mallory"}}, http.StatusBadRequest},
			{"/cart/add", url.Values{"item": {"melon"}}, http.StatusBadRequest},
			{"/cart/add", url.Values{"item": {"plum"}, "more": {strings.Repeat("x", 32<<10)}}, map[Adapter]int{NetHTTP: http.StatusBadRequest, Fiber: http.StatusRequestEntityTooLarge}[adapter]},
			{"/nowhere", nil, http.StatusNotFound},
		} {
			if got := one.do(t, http.MethodPost, test.path, test.form).status; got != test.want {
				t.Errorf("POST %s %.40s: got status %d, want %d", test.path, test.form.Encode(), got, test.want)
			}
		}
	})
}

// TestOperator: the operator sees everybody's made-up sessions, by filters, and what is stored in them.
func TestOperator(t *testing.T) {
	t.Parallel()
	eachAdapter(t, func(t *testing.T, adapter Adapter) {
		site := start(t, adapter, storestest.SQLite(t), "")
		if _, err := Seed(t.Context(), site.store, 60, func(int) {}); err != nil {
			t.Fatal(err)
		}
		olga := site.browser(t, "x")
		if got := olga.get(t, allPath); got.status != http.StatusUnauthorized || !strings.Contains(got.body, `href="`+html.EscapeString(signInPath(allPath))+`"`) {
			t.Errorf("not signed in: got status %d and no way to sign in:\n%s", got.status, got.body)
		}
		page := olga.post(t, "/sign-in", "user", Operator, "back", allPath)
		if !strings.Contains(page.body, "Germany") || strings.Count(page.body, "<tr") < 40 {
			t.Errorf("after the sign-in: got\n%s", page.body)
		}
		var all struct{ Sessions []row }
		if err := json.Unmarshal([]byte(olga.get(t, allPath+"api/?user=alice").body), &all); err != nil || len(all.Sessions) != 4 {
			t.Fatalf("got %+v, %v; want 4 of alice", all, err)
		}
		if got := olga.get(t, allPath+all.Sessions[0].ID); got.status != http.StatusOK || !strings.Contains(got.body, string(visits)) {
			t.Errorf("got status %d\n%s", got.status, got.body)
		}
		if got := olga.get(t, allPath+"charts"); got.status != http.StatusOK || !strings.Contains(got.body, "Germany") {
			t.Errorf("the charts: got status %d\n%s", got.status, got.body)
		}
	})
}

// TestSignInBack leads back to where the user was, and nowhere else.
func TestSignInBack(t *testing.T) {
	t.Parallel()
	eachAdapter(t, func(t *testing.T, adapter Adapter) {
		site := start(t, adapter, storestest.SQLite(t), "")
		one := site.browser(t, "one")
		one.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		for back, want := range map[string]string{
			"": "/", "/": "/", ownPath: ownPath, allPath + "?user=alice&after=x": allPath + "?user=alice&after=x",
			"//evil.example": "/", "///evil.example": "/", "https://evil.example/": "/", `/\evil.example`: "/", "/\t/evil.example": "/", "evil": "/", "javascript:alert(1)": "/",
		} {
			v := one.do(t, http.MethodPost, "/sign-in", url.Values{"user": {"alice"}, "back": {back}})
			if got := v.header.Get("Location"); v.status != http.StatusSeeOther || got != want {
				t.Errorf("back to %q: got %d %q, want %q", back, v.status, got, want)
			}
			form := one.get(t, signInPath(back))
			if !strings.Contains(form.body, `name="back" value="`+html.EscapeString(want)+`"`) {
				t.Errorf("back to %q: the form is\n%s", back, form.body)
			}
		}
	})
}

// TestOutage wants 503 and an untouched cookie: no user is signed out because the database is away.
func TestOutage(t *testing.T) {
	t.Parallel()
	eachAdapter(t, func(t *testing.T, adapter Adapter) {
		site := start(t, adapter, storestest.SQLite(t), "")
		one := site.browser(t, "one")
		one.signIn(t, "alice")
		if err := site.store.Close(); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"/", "/sign-in", ownPath, allPath} {
			v := one.get(t, path)
			if v.status != http.StatusServiceUnavailable || v.header.Get("Retry-After") == "" || v.header.Get("Set-Cookie") != "" {
				t.Errorf("%s: got status %d, %v", path, v.status, v.header)
			}
		}
		if one.cookie(t) == "" {
			t.Error("the cookie is gone")
		}
	})
}

// TestShutdown ends the demo while it reads a form: no new connection is taken, and the form is still served.
func TestShutdown(t *testing.T) {
	t.Parallel()
	eachAdapter(t, testShutdown)
}

func testShutdown(t *testing.T, adapter Adapter) {
	app, err := New(new(memory.Store), examples(t), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- Serve(ctx, l, app, adapter) }()

	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	const form = "user=alice"
	_, err = io.WriteString(c, "POST /sign-in HTTP/1.1\r\nHost: demo\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n")
	if err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(c)
	if line, err := r.ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("got %q, %v; want 100 Continue", line, err)
	}
	if _, err := r.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	cancel()
	for {
		other, err := net.Dial("tcp", l.Addr().String())
		if errors.Is(err, syscall.ECONNREFUSED) {
			break
		}
		if err == nil {
			other.Close()
		}
	}
	select {
	case err := <-served:
		t.Fatalf("Serve returned %v before the form was served", err)
	default:
	}
	if _, err := io.WriteString(c, form); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusSeeOther || len(response.Cookies()) != 1 {
		t.Errorf("got %s and cookies %v, want a sign-in", response.Status, response.Cookies())
	}
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

// TestServeEnded wants Serve to end, and to close the listener, also if that was wanted before it had begun.
func TestServeEnded(t *testing.T) {
	t.Parallel()
	eachAdapter(t, func(t *testing.T, adapter Adapter) {
		app, err := New(new(memory.Store), examples(t), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := Serve(ctx, l, app, adapter); err != nil {
			t.Error(err)
		}
		if c, err := net.Dial("tcp", l.Addr().String()); err == nil {
			c.Close()
			t.Error("it still listens")
		}
	})
}
