package nethttp_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/qsessions/qsessions/adapters/nethttp"
	"github.com/qsessions/qsessions/core/session"
)

var hints = map[string]string{
	"Sec-CH-UA": `"Chromium";v="118", "Not=A?Brand";v="99"`, "Sec-CH-UA-Platform": `"Android"`, "Sec-CH-UA-Platform-Version": `"14.0.0"`,
	"Sec-CH-UA-Model": `"Pixel 7"`, "Sec-CH-UA-Mobile": "?1",
}

func withHints(r *http.Request) {
	for name, value := range hints {
		r.Header.Set(name, value)
	}
}

// TestClientHints: with the option on every response asks for hints, and those that come are kept with the session; with the
// option off nobody asks, and nothing is kept. The response does not vary by them.
func TestClientHints(t *testing.T) {
	t.Parallel()
	all := session.Hints{
		Platform: hints["Sec-CH-UA-Platform"], PlatformVersion: hints["Sec-CH-UA-Platform-Version"], Model: hints["Sec-CH-UA-Model"],
		Mobile: hints["Sec-CH-UA-Mobile"], Brands: hints["Sec-CH-UA"],
	}
	own := func(r *http.Request) session.Client {
		return session.Client{UserAgent: "own", Hints: session.Hints{Model: r.Header.Get("Sec-CH-UA-Model")}}
	}
	for name, c := range map[string]struct {
		config nethttp.Config
		asks   bool
		want   session.Hints
	}{
		"off":               {nethttp.Config{}, false, session.Hints{}},
		"on":                {nethttp.Config{ClientHints: true}, true, all},
		"own function":      {nethttp.Config{ClientHints: true, Client: own}, true, session.Hints{Model: all.Model}},
		"own function, off": {nethttp.Config{Client: own}, false, session.Hints{Model: all.Model}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, session.Config{}, c.config)
			s.mux.HandleFunc("/flush", func(w http.ResponseWriter, _ *http.Request) { w.(http.Flusher).Flush() })
			s.mux.HandleFunc("/fails", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
			s.on("/wrong", func(_ http.ResponseWriter, _ *http.Request, s session.Session) { wrong.Set(s, nil) })
			s.mux.HandleFunc("/early", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusEarlyHints) })
			b := serve(t, 1, s.handler())("agent/1")
			for _, path := range []string{"/missing", "/flush", "/early", "/wrong", "/get", "/login?user=alice", "/get"} {
				a := b.do("GET", path, withHints)
				asked := a.Header.Values("Accept-CH")
				if got := slices.Equal(asked, []string{session.AcceptCH}); got != c.asks || !c.asks && asked != nil {
					t.Errorf("%s: Accept-CH %q", path, asked)
				}
				if v := strings.Join(a.Header.Values("Vary"), ", "); strings.Contains(v, "Sec-") {
					t.Errorf("%s: Vary %q", path, v)
				}
			}
			if _, err := b.try("GET", "/fails", withHints); err == nil {
				t.Error("the aborted response arrived")
			}
			list, err := session.Collect(s.sessions.Sessions(t.Context(), "alice"))
			if err != nil || len(list) != 1 || list[0].Hints != c.want {
				t.Errorf("got %+v, %v; want hints %+v", list, err, c.want)
			}
		})
	}
}

// TestClientHintsNested: of two middlewares of one manager one asks, and a handler may ask for more.
func TestClientHintsNested(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.Config{}, nethttp.Config{ClientHints: true})
	s.mux.HandleFunc("/more", func(w http.ResponseWriter, _ *http.Request) { w.Header().Add("Accept-CH", "DPR") })
	w := get(s.Handler(s.handler()), "/more", nil)
	if got := w.Header().Values("Accept-CH"); !slices.Equal(got, []string{session.AcceptCH, "DPR"}) {
		t.Errorf("got %q", got)
	}
}

// TestClientHintsAreNotForged: a User-Agent that looks like what is stored has no hints.
func TestClientHintsAreNotForged(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.Config{}, nethttp.Config{ClientHints: true})
	w := get(s.handler(), "/login?user=alice", http.Header{"User-Agent": {"agent\ufdd0\"Windows\"\ufdd0\"15.0.0\""}})
	list, err := session.Collect(s.sessions.Sessions(t.Context(), "alice"))
	if w.Code != http.StatusOK || err != nil || len(list) != 1 || list[0].Hints != (session.Hints{}) || !strings.HasPrefix(list[0].UserAgent, "agent\ufffd\"Windows\"") {
		t.Errorf("got %d, %+v, %v", w.Code, list, err)
	}
}
