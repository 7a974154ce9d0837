package demo

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
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
	site := start(t, storestest.SQLite(t), "")
	alice := site.browser(t, "one")
	alice.signIn(t, "alice")
	id := alice.get(t, "/sessions").rows()[0].id
	paths := []string{"/sign-in", "/sign-out", "/theme", "/cart/add", "/cart/empty", "/sessions/revoke", "/sessions/revoke-others", "/sessions/revoke-all"}
	form := url.Values{"id": {id}, "user": {"bob"}, "theme": {"dark"}, "item": {"pear"}}
	for _, path := range paths {
		for _, header := range [][]string{
			{"Sec-Fetch-Site", "cross-site"},
			{"Sec-Fetch-Site", "same-site"},
			{"Origin", "https://evil.example"},
			{"Origin", "null"},
		} {
			if got := alice.do(t, http.MethodPost, path, form, header...).status; got != http.StatusForbidden {
				t.Errorf("POST %s with %v: got status %d, want 403", path, header, got)
			}
		}
		if got := alice.do(t, http.MethodGet, path+"?"+form.Encode(), nil).status; got != http.StatusMethodNotAllowed {
			t.Errorf("GET %s: got status %d, want 405", path, got)
		}
	}
	after := alice.get(t, "/")
	if after.user() != "alice" || after.cart() != "" || !strings.Contains(after.body, `data-theme="light"`) {
		t.Errorf("something has changed:\n%s", after.body)
	}
	if got := alice.do(t, http.MethodPost, "/cart/add", form, "Sec-Fetch-Site", "same-origin", "Origin", site.url).status; got != http.StatusOK {
		t.Errorf("from the site itself: got status %d", got)
	}
}

// TestPages wants a page that loads nothing from elsewhere, runs nothing, and shows a hostile User-Agent as text.
func TestPages(t *testing.T) {
	t.Parallel()
	site := start(t, storestest.SQLite(t), "")
	const agent = `<script>alert(1)</script>" onload="x`
	one := site.browser(t, agent)
	one.signIn(t, "alice")
	for _, path := range []string{"/", "/sessions"} {
		v := one.get(t, path)
		if strings.Contains(v.body, "<script") || strings.Contains(v.body, "style=") {
			t.Errorf("%s has an inline script or style", path)
		}
		if got := v.header.Get("Content-Security-Policy"); !strings.Contains(got, "default-src 'none'") || strings.Contains(got, "unsafe") {
			t.Errorf("%s: got Content-Security-Policy %q", path, got)
		}
		if got := v.header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: got Cache-Control %q", path, got)
		}
	}
	if got := one.get(t, "/sessions").rows(); len(got) != 1 || got[0].agent != agent {
		t.Errorf("got sessions %+v", got)
	}
	if got := one.get(t, "/style.css").header.Get("Content-Type"); !strings.HasPrefix(got, "text/css") {
		t.Errorf("the style sheet has the type %q", got)
	}
	for _, test := range []struct {
		path string
		form url.Values
		want int
	}{
		{"/sign-in", url.Values{"user": {"mallory"}}, http.StatusBadRequest},
		{"/cart/add", url.Values{"item": {"melon"}}, http.StatusBadRequest},
		{"/cart/add", url.Values{"item": {"plum"}, "more": {strings.Repeat("x", 32<<10)}}, http.StatusBadRequest},
		{"/nowhere", nil, http.StatusNotFound},
	} {
		if got := one.do(t, http.MethodPost, test.path, test.form).status; got != test.want {
			t.Errorf("POST %s %.40s: got status %d, want %d", test.path, test.form.Encode(), got, test.want)
		}
	}
}

// TestOutage wants 503 and an untouched cookie: nobody is signed out because the database is away.
func TestOutage(t *testing.T) {
	t.Parallel()
	site := start(t, storestest.SQLite(t), "")
	one := site.browser(t, "one")
	one.signIn(t, "alice")
	if err := site.store.Close(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/", "/sessions"} {
		v := one.get(t, path)
		if v.status != http.StatusServiceUnavailable || v.header.Get("Retry-After") == "" || v.header.Get("Set-Cookie") != "" {
			t.Errorf("%s: got status %d, %v", path, v.status, v.header)
		}
	}
	if one.cookie(t) == "" {
		t.Error("the cookie is gone")
	}
}

// TestShutdown ends the demo while it reads a form: no new connection is taken, and the form is still served.
func TestShutdown(t *testing.T) {
	t.Parallel()
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
	go func() { served <- Serve(ctx, l, app) }()

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
