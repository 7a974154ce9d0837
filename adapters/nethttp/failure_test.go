package nethttp_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/qsessions/qsessions/adapters/nethttp"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/sessiontest"
)

// TestFailureEndsAccess: ATK-10. A Logout, and the new token of RevokeOthers, survive a response of failure, a panic, and a
// TimeoutHandler; a Login, a Rotate and values do not.
func TestFailureEndsAccess(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.Config{}, nethttp.Config{})
	for name, f := range map[string]func(r *http.Request, x session.Session){
		"logout": func(_ *http.Request, x session.Session) { x.Logout(); note.Set(x, "lost") },
		"others": func(r *http.Request, x session.Session) {
			if _, err := s.sessions.RevokeOthers(r.Context(), x); err != nil {
				t.Error(err)
			}
			note.Set(x, "lost")
		},
		"rotate":     func(_ *http.Request, x session.Session) { x.Rotate() },
		"login":      func(_ *http.Request, x session.Session) { x.Login("alice", session.Level(2)) },
		"other user": func(_ *http.Request, x session.Session) { x.Login("mallory") },
	} {
		for way, end := range map[string]func(w http.ResponseWriter){
			"500":   func(w http.ResponseWriter) { http.Error(w, "oops", 500) },
			"503":   func(w http.ResponseWriter) { w.WriteHeader(503) },
			"panic": func(http.ResponseWriter) { panic("on purpose") },
			"abort": func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
			"limit": nil, // that of http.TimeoutHandler
		} {
			var inner http.Handler = s.With(func(w http.ResponseWriter, r *http.Request, x session.Session) {
				f(r, x)
				if end == nil {
					<-r.Context().Done()
					return
				}
				end(w)
			})
			if end == nil {
				inner = http.TimeoutHandler(inner, 200*time.Millisecond, "too slow")
			}
			mux := http.NewServeMux()
			mux.Handle("/", inner)
			h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer func() {
					if recover() != nil {
						w.WriteHeader(500)
					}
				}()
				s.Handler(mux).ServeHTTP(w, r)
			})
			if _, err := s.sessions.RevokeUser(t.Context(), "alice"); err != nil {
				t.Fatal(err)
			}
			_, cookie := sessiontest.Header(t, s.sessions, func(s session.Session) { s.Login("alice"); note.Set(s, "kept") })
			_, other := sessiontest.Header(t, s.sessions, func(s session.Session) { s.Login("alice") })
			set := get(h, "/", http.Header{"Cookie": {cookie}}).Header()["Set-Cookie"]
			newest := cookie
			if len(set) == 1 {
				newest, _, _ = strings.Cut(set[0], ";")
			}
			state := func(cookie string) string {
				return get(s.handler(), "/get", http.Header{"Cookie": {cookie}}).Body.String()
			}
			got := []string{state(cookie), state(newest), state(other)}
			const in, without, out = "user=alice note=kept", "user=alice note=", "user= note="
			want, cookies := []string{in, in, without}, 0
			switch name {
			case "logout":
				want, cookies = []string{out, out, without}, 1
			case "others":
				want, cookies = []string{out, in, out}, 1
			}
			if !slices.Equal(got, want) || len(set) != cookies {
				t.Errorf("ATK-10 %s, then %s: the old, the new and the other token open %q, want %q; %d cookies", name, way, got, want, len(set))
			}
		}
	}
}
