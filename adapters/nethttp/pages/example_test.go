package pages_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing/fstest"

	"github.com/qsessions/qsessions/adapters/nethttp"
	"github.com/qsessions/qsessions/adapters/nethttp/pages"
	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/session"
)

// Both pages, mounted. The application decides who is an operator, and where people sign in.
func Example() {
	// Insecure is for plain http on your own machine. Leave it out behind TLS.
	sessions, err := session.New(new(memory.Store), session.Config{Cookie: session.Cookie{Insecure: true}})
	if err != nil {
		log.Fatal(err)
	}
	signIn := func(back string) string { return "/sign-in?back=" + url.QueryEscape(back) }
	account, err := pages.NewAccount(sessions, pages.AccountConfig{Config: pages.Config{SignIn: signIn}})
	if err != nil {
		log.Fatal(err)
	}
	admin, err := pages.NewAdmin(sessions, pages.AdminConfig{
		Config:    pages.Config{SignIn: signIn},
		Authorize: func(_ *http.Request, s session.Session) bool { return s.User() == "olga" },
		UserURL:   func(user string) string { return "/admin/users/" + user },
	})
	if err != nil {
		log.Fatal(err)
	}
	site := nethttp.New(sessions, nethttp.Config{})
	mux := http.NewServeMux()
	mux.Handle("/account/sessions/", account)
	mux.Handle("/admin/sessions/", admin)
	mux.Handle("POST /sign-in", site.With(func(_ http.ResponseWriter, r *http.Request, s session.Session) {
		s.Login(r.FormValue("user")) // after you have checked the password
	}))
	server := httptest.NewServer(site.Handler(mux))
	defer server.Close()

	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar}
	show := func(path string) {
		answer, err := browser.Get(server.URL + path)
		if err != nil {
			log.Fatal(err)
		}
		defer answer.Body.Close()
		page, _ := io.ReadAll(answer.Body)
		_, title, _ := strings.Cut(string(page), "<title>")
		title, _, _ = strings.Cut(title, "</title>")
		fmt.Println(path, answer.StatusCode, title)
	}
	show("/account/sessions/")
	if _, err := browser.Post(server.URL+"/sign-in?user=alice", "", nil); err != nil {
		log.Fatal(err)
	}
	show("/account/sessions/")
	show("/admin/sessions/")
	// Output:
	// /account/sessions/ 401 Please sign in
	// /account/sessions/ 200 Where you’re signed in
	// /admin/sessions/ 403 Not allowed
}

// One template is replaced, the others stay. The names are those of the folder "templates"; os.DirFS reads a folder, and
// package embed one that is compiled in.
func ExampleConfig_templates() {
	sessions, err := session.New(new(memory.Store), session.Config{})
	if err != nil {
		log.Fatal(err)
	}
	own := fstest.MapFS{"error.html": &fstest.MapFile{Data: []byte(
		`<!DOCTYPE html><html lang="{{.Language}}"><title>{{.Title}}</title><p>{{.Text}}</p></html>` + "\n",
	)}}
	account, err := pages.NewAccount(sessions, pages.AccountConfig{Config: pages.Config{
		Templates: own,
		Language:  func(*http.Request) string { return "de" },
	}})
	if err != nil {
		log.Fatal(err)
	}
	site := nethttp.New(sessions, nethttp.Config{})
	w := httptest.NewRecorder()
	site.Handler(account).ServeHTTP(w, httptest.NewRequest("GET", "/account/sessions/", nil))
	fmt.Print(w.Body)
	// Output:
	// <!DOCTYPE html><html lang="de"><title>Bitte anmelden</title><p>Melden Sie sich an, um diese Seite zu sehen.</p></html>
}

// A language is one file: copy languages/en.json, translate it, and read it. Every text is checked.
func ExampleParseLanguage() {
	_, err := pages.ParseLanguage([]byte(`{"tag": "nl", "direction": "ltr", "thousands": ".", "texts": {"account.title": "Uw sessies"}}`))
	fmt.Println(err)
	// Output:
	// pages: language nl: text "account.lead" is missing
}
