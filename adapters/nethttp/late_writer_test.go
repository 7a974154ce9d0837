package nethttp_test

import (
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/qsessions/qsessions/adapters/nethttp"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
)

// TestLateWriter: CVE-1. A session that ended while a request ran stays ended, whatever that request then does.
func TestLateWriter(t *testing.T) {
	t.Parallel()
	save := func(w http.ResponseWriter, r *http.Request, s session.Session) {
		note.Set(s, "late")
		_ = s.Save(r.Context())
	}
	ends := map[string]func(b *browser, s *site){
		"logout": func(b *browser, _ *site) { b.want("/logout", 200, "") },
		"revoke": func(b *browser, s *site) {
			if _, err := s.sessions.RevokeUser(b.t.Context(), "alice"); err != nil {
				b.t.Error(err)
			}
		},
	}
	for name, c := range map[string]struct {
		status int // 0: the connection breaks
		late   func(w http.ResponseWriter, r *http.Request, s session.Session)
	}{
		"CVE-1 read":  {200, func(http.ResponseWriter, *http.Request, session.Session) {}},
		"CVE-1 touch": {200, func(http.ResponseWriter, *http.Request, session.Session) {}},
		"CVE-1 set":   {401, func(_ http.ResponseWriter, _ *http.Request, s session.Session) { note.Set(s, "late") }},
		"CVE-1 update": {401, func(_ http.ResponseWriter, _ *http.Request, s session.Session) {
			count.Update(s, func(n int) int { return n + 1 })
		}},
		"CVE-1 flash":  {401, func(_ http.ResponseWriter, _ *http.Request, s session.Session) { flash.Pop(s) }},
		"CVE-1 clear":  {401, func(_ http.ResponseWriter, _ *http.Request, s session.Session) { s.Clear() }},
		"CVE-1 rotate": {401, func(_ http.ResponseWriter, _ *http.Request, s session.Session) { s.Rotate() }},
		"CVE-1 re-authenticate": {401, func(_ http.ResponseWriter, _ *http.Request, s session.Session) {
			s.Reauthenticate()
		}},
		"CVE-1 save":           {200, save},
		"CVE-1 save and error": {500, func(w http.ResponseWriter, r *http.Request, s session.Session) { save(w, r, s); http.Error(w, "", 500) }},
		"CVE-1 error": {500, func(w http.ResponseWriter, _ *http.Request, s session.Session) {
			note.Set(s, "late")
			http.Error(w, "", 500)
		}},
		"CVE-1 panic":          {0, func(_ http.ResponseWriter, _ *http.Request, s session.Session) { note.Set(s, "late"); panic("late") }},
		"CVE-1 save and panic": {0, func(w http.ResponseWriter, r *http.Request, s session.Session) { save(w, r, s); panic("late") }},
		"CVE-1 set after the first byte": {200, func(w http.ResponseWriter, _ *http.Request, s session.Session) {
			_, _ = io.WriteString(w, "body")
			note.Set(s, "late")
		}},
		"CVE-1 logout": {200, func(_ http.ResponseWriter, _ *http.Request, s session.Session) { s.Logout() }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for how, end := range ends {
				policy := session.Policy{}
				if name == "CVE-1 touch" {
					policy.TouchEvery = 1 // each request touches
				}
				s := newSite(t, session.Config{Policy: policy}, nethttp.Config{})
				s.on("/prepare", func(_ http.ResponseWriter, _ *http.Request, s session.Session) {
					note.Set(s, "before")
					flash.Set(s, []string{"hello"})
					s.Login("alice")
				})
				loaded, goOn := make(chan store.ID), make(chan bool)
				s.on("/slow", func(w http.ResponseWriter, r *http.Request, x session.Session) {
					loaded <- x.ID()
					<-goOn
					c.late(w, r, x)
				})
				open := serve(t, 2, s.handler())
				b := open("")
				b.want("/prepare", 200, "")
				at, err := url.Parse(b.url)
				if err != nil {
					t.Fatal(err)
				}
				cookie := b.client.Jar.Cookies(at)[0].String()
				done := make(chan int, 1)
				go func() {
					a, err := b.try("GET", "/slow", func(r *http.Request) { r.Header.Set("User-Agent", "late") })
					if err != nil {
						done <- 0
						return
					}
					done <- a.StatusCode
				}()
				id := <-loaded
				end(b, s)
				goOn <- true
				if got := <-done; got != c.status {
					t.Errorf("%s: the late request got %d, want %d", how, got, c.status)
				}
				if r, err := s.db.Store.Load(t.Context(), id); err == nil {
					t.Errorf("%s: the session is back: %v", how, r)
				}
				if got, err := session.Collect(s.sessions.Sessions(t.Context(), "alice")); err != nil || len(got) != 0 {
					t.Errorf("%s: alice has %v, %v; want no session", how, got, err)
				}
				b.client.Jar = nil
				if a := b.do("GET", "/get", func(r *http.Request) { r.Header.Set("Cookie", cookie) }); a.body != "user= note=" {
					t.Errorf("%s: afterwards the old cookie opens %q", how, a.body)
				}
			}
		})
	}
}
