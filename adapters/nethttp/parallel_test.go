package nethttp_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/adapters/nethttp"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/sessiontest"
)

const parallel = 100

// together adds routes whose requests all load the session before one of them commits.
func together(s *site) {
	var loaded sync.WaitGroup
	loaded.Add(parallel)
	s.on("/read", func(http.ResponseWriter, *http.Request, session.Session) { loaded.Done(); loaded.Wait() })
	s.on("/key", func(_ http.ResponseWriter, r *http.Request, s session.Session) {
		loaded.Done()
		loaded.Wait()
		session.Key[bool]("key"+r.FormValue("i")).Set(s, true)
		count.Update(s, func(n int) int { return n + 1 })
	})
	s.on("/count", func(w http.ResponseWriter, _ *http.Request, s session.Session) {
		keys := 0
		for i := range parallel {
			if session.Key[bool]("key" + strconv.Itoa(i)).Get(s) {
				keys++
			}
		}
		_, _ = fmt.Fprintf(w, "%d keys, count %d", keys, count.Get(s))
	})
}

// atOnce serves a hundred requests with the same header, and returns the cookies of their responses.
func atOnce(t *testing.T, h http.Handler, path, name, value string) (cookies []string) {
	t.Helper()
	var wg sync.WaitGroup
	answers := make([]*httptest.ResponseRecorder, parallel)
	for i := range answers {
		wg.Go(func() { answers[i] = get(h, path+"?i="+strconv.Itoa(i), http.Header{name: {value}}) })
	}
	wg.Wait()
	for i, a := range answers {
		if a.Code != 200 {
			t.Errorf("request %d got %d %q", i, a.Code, a.Body)
		}
		cookies = append(cookies, a.Header()["Set-Cookie"]...)
	}
	return cookies
}

// TestParallelTouch: BAD-74. A hundred requests that only read write "last seen" once.
func TestParallelTouch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, session.Config{}, nethttp.Config{})
		together(s)
		name, value := sessiontest.Header(t, s.sessions, func(s session.Session) { s.Login("alice") })
		time.Sleep(5 * time.Minute) // of the bubble
		if cookies := atOnce(t, s.handler(), "/read", name, value); len(cookies) != 0 {
			t.Errorf("got %d cookies, want 0", len(cookies))
		}
		if got := s.db.touched.Load(); got != 1 || s.db.saves.Load() != 0 {
			t.Errorf("got %d touches and %d saves, want 1 and 0", got, s.db.saves.Load())
		}
	})
}

// TestParallelRotation: BAD-74, SEC-32. A hundred requests at the time of a rotation get one new cookie, and nobody is
// signed out.
func TestParallelRotation(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/read", "/key"} {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, session.Config{Policy: session.Policy{RotateEvery: 10 * time.Minute}}, nethttp.Config{})
			together(s)
			name, old := sessiontest.Header(t, s.sessions, func(s session.Session) { s.Login("alice") })
			time.Sleep(11 * time.Minute)
			cookies := atOnce(t, s.handler(), path, name, old)
			if len(cookies) != 1 {
				t.Fatalf("%s: got %d cookies, want 1", path, len(cookies))
			}
			fresh, _, _ := strings.Cut(cookies[0], ";")
			for _, step := range []struct {
				wait   time.Duration
				cookie string
				user   string
			}{
				{0, old, "alice"}, {time.Minute, old, "alice"}, // the answer with the new one may be lost
				{0, fresh, "alice"}, {59 * time.Second, old, "alice"}, {2 * time.Second, old, ""}, {0, fresh, "alice"},
			} {
				time.Sleep(step.wait)
				if w := get(s.handler(), "/get", http.Header{name: {step.cookie}}); w.Body.String() != "user="+step.user+" note=" {
					t.Errorf("%s: got %q, want user=%s", path, w.Body, step.user)
				}
			}
		})
	}
}

// TestParallelKeys: BAD-74. A hundred requests over HTTP that each set a key of their own, and count, lose nothing.
func TestParallelKeys(t *testing.T) {
	t.Parallel()
	eachProtocol(t, func(t *testing.T, protocol int) {
		s := newSite(t, session.Config{}, nethttp.Config{})
		together(s)
		b := serve(t, protocol, s.handler())("")
		b.want("/login?user=alice", 200, "")
		var wg sync.WaitGroup
		for i := range parallel {
			wg.Go(func() {
				if a, err := b.try("GET", "/key?i="+strconv.Itoa(i)); err != nil || a.StatusCode != 200 || a.Header["Set-Cookie"] != nil {
					t.Errorf("request %d: got %v, %v", i, a.Response, err)
				}
			})
		}
		wg.Wait()
		b.want("/count", 200, fmt.Sprintf("%d keys, count %d", parallel, parallel))
	})
}
