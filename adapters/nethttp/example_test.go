package nethttp_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"

	"github.com/qsessions/qsessions/adapters/nethttp"
	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/session"
)

// What the shop keeps in a session, in one place.
type item struct {
	Name string
	N    int
}

const (
	cartKey  session.Key[[]item]   = "cart"
	flashKey session.Key[[]string] = "flash"
)

// say shows text on the next page, once.
func say(s session.Session, text string) {
	flashKey.Update(s, func(all []string) []string { return append(all, text) })
}

// A shop: a cart for everybody, a login that keeps it, and messages that are shown once.
func Example() {
	sessions, err := session.New(new(memory.Store), session.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	site, mux := nethttp.New(sessions, nethttp.Config{}), http.NewServeMux()
	mux.Handle("GET /{$}", site.With(func(w http.ResponseWriter, _ *http.Request, s session.Session) {
		messages := flashKey.Pop(s) // before the first byte: it changes the session
		_, _ = fmt.Fprintf(w, "%q, user %q, cart %v", messages, s.User(), cartKey.Get(s))
	}))
	mux.Handle("POST /buy", site.With(func(w http.ResponseWriter, r *http.Request, s session.Session) {
		cartKey.Update(s, func(c []item) []item { return append(c, item{r.FormValue("name"), 1}) })
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}))
	mux.Handle("POST /login", site.With(func(w http.ResponseWriter, r *http.Request, s session.Session) {
		if r.FormValue("password") != "sesame" {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		s.Login(r.FormValue("user"))
		say(s, "welcome, "+s.User())
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}))
	mux.Handle("POST /logout", site.With(func(w http.ResponseWriter, r *http.Request, s session.Session) {
		s.Logout()
		say(s, "bye")
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}))
	server := httptest.NewTLSServer(site.Handler(mux))
	defer server.Close()

	browser := open(server, "")
	fmt.Println(browser.post("/buy", "name", "tea"))
	fmt.Println(browser.post("/login", "user", "alice", "password", "sesame"))
	fmt.Println(browser.get("/"))
	fmt.Println(browser.post("/logout"))
	fmt.Println(browser.get("/"))
	// Output:
	// [], user "", cart [{tea 1}]
	// ["welcome, alice"], user "alice", cart [{tea 1}]
	// [], user "alice", cart [{tea 1}]
	// ["bye"], user "", cart []
	// [], user "", cart []
}

// client is a browser for the examples.
type client struct {
	http      http.Client
	url       string
	userAgent string
}

func open(server *httptest.Server, userAgent string) *client {
	jar, _ := cookiejar.New(nil) // without options it never fails
	c := &client{http: *server.Client(), url: server.URL, userAgent: userAgent}
	c.http.Jar = jar
	return c
}

func (c *client) get(path string) string { return c.do("GET", path, nil) }

// post sends a form of names and values, and follows redirects.
func (c *client) post(path string, form ...string) string {
	v := url.Values{}
	for i := 0; i < len(form); i += 2 {
		v.Set(form[i], form[i+1])
	}
	return c.do("POST", path, v)
}

func (c *client) do(method, path string, query url.Values) string {
	req, err := http.NewRequest(method, c.url+path+"?"+query.Encode(), nil)
	if err != nil {
		return err.Error()
	}
	req.Header.Set("User-Agent", c.userAgent)
	res, err := c.http.Do(req)
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err.Error()
	}
	if res.StatusCode != http.StatusOK {
		return res.Status
	}
	return string(body)
}
