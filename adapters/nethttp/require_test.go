package nethttp_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/qsessions/qsessions/adapters/nethttp"
	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
)

// frozen is a store with a cache that never hears of anything.
type frozen struct {
	memory.Store
	copies sync.Map
	fresh  int
}

func (f *frozen) Load(ctx context.Context, id store.ID) (*store.Record, error) {
	if r, ok := f.copies.Load(id); ok {
		return r.(*store.Record).Clone(), nil
	}
	r, err := f.Store.Load(ctx, id)
	if err == nil {
		f.copies.Store(id, r.Clone())
	}
	return r, err
}

func (f *frozen) LoadFresh(ctx context.Context, id store.ID) (*store.Record, error) {
	f.fresh++
	return f.Store.Load(ctx, id)
}

// TestRequire: who may pass, and what the others get.
func TestRequire(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.Config{}, nethttp.Config{})
	ok := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	s.mux.Handle("/user", s.Require(ok))
	s.mux.Handle("/fresh", s.RequireFresh(10*time.Minute)(ok))
	s.mux.Handle("/never", s.RequireFresh(0)(ok))
	s.mux.Handle("/never2", s.RequireFresh(-time.Hour)(ok))
	s.mux.Handle("/level1", s.RequireLevel(0)(ok))
	s.mux.Handle("/level2", s.RequireLevel(2)(ok))
	s.mux.Handle("/both", s.RequireLevel(2)(s.RequireFresh(10*time.Minute)(ok)))
	s.on("/old-login", func(_ http.ResponseWriter, _ *http.Request, s session.Session) {
		s.Login("alice", session.AuthenticatedAt(time.Now().Add(-30*time.Minute)))
	})
	s.on("/confirm", func(_ http.ResponseWriter, _ *http.Request, s session.Session) { s.Reauthenticate() })
	s.on("/confirm2", func(_ http.ResponseWriter, _ *http.Request, s session.Session) { s.Reauthenticate(session.Level(2)) })
	b := serve(t, 1, s.handler())("")
	paths := []string{"/user", "/fresh", "/never", "/never2", "/level1", "/level2", "/both"}
	for _, step := range []struct {
		path string
		want []int
	}{
		{"/get", []int{401, 401, 401, 401, 401, 401, 401}},
		{"/set?note=x", []int{401, 401, 401, 401, 401, 401, 401}},
		{"/old-login", []int{200, 403, 403, 403, 200, 403, 403}},
		{"/confirm", []int{200, 200, 403, 403, 200, 403, 403}},
		{"/confirm2", []int{200, 200, 403, 403, 200, 200, 200}},
		{"/logout", []int{401, 401, 401, 401, 401, 401, 401}},
	} {
		if a := b.do("GET", step.path); a.StatusCode != 200 {
			t.Fatalf("%s: got %d", step.path, a.StatusCode)
		}
		for i, path := range paths {
			if a := b.do("GET", path); a.StatusCode != step.want[i] {
				t.Errorf("%s after %s: got %d, want %d", path, step.path, a.StatusCode, step.want[i])
			}
		}
	}
}

// TestRequireFreshIsExact: SEC-15, CVE-4. A revoked session that a cache still has is refused where it matters, whatever the
// request says.
func TestRequireFreshIsExact(t *testing.T) {
	t.Parallel()
	db := new(frozen)
	m, err := session.New(db, session.Config{})
	if err != nil {
		t.Fatal(err)
	}
	site, mux := nethttp.New(m, nethttp.Config{}), http.NewServeMux()
	ok := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	mux.Handle("/login", site.With(func(_ http.ResponseWriter, _ *http.Request, s session.Session) { s.Login("alice") }))
	mux.Handle("/user", site.Require(ok))
	mux.Handle("/fresh", site.RequireFresh(time.Hour)(ok))
	mux.Handle("/loaded", site.Require(site.RequireFresh(time.Hour)(ok)))
	mux.Handle("/level", site.RequireLevel(1)(ok))
	b := serve(t, 1, site.Handler(mux))("")
	for _, path := range []string{"/login", "/user", "/fresh", "/loaded", "/level"} {
		b.want(path, 200, "")
	}
	if _, err := m.RevokeUser(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	b.want("/user", 200, "") // the cache is that wrong
	for _, path := range []string{"/fresh", "/fresh?disableCookieCache=&fresh=false", "/loaded", "/level"} {
		fresh := db.fresh
		if a := b.do("GET", path); a.StatusCode != 401 || a.Header["Set-Cookie"] != nil || db.fresh == fresh {
			t.Errorf("%s: got %d, %q after %d fresh loads; want 401", path, a.StatusCode, a.Header["Set-Cookie"], db.fresh-fresh)
		}
	}
}

// TestRequireProof: RPT-41. A second factor within ten minutes is not one of half an hour ago and a password just now.
func TestRequireProof(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.Config{}, nethttp.Config{})
	ok := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	s.mux.Handle("/user", s.RequireProof(session.Requirement{})(ok))
	s.mux.Handle("/level", s.RequireProof(session.Requirement{Level: 2})(ok))
	s.mux.Handle("/age", s.RequireProof(session.Requirement{MaxAge: 10 * time.Minute})(ok))
	s.mux.Handle("/both", s.RequireProof(session.Requirement{Level: 2, MaxAge: 10 * time.Minute})(ok))
	s.on("/old-login", func(_ http.ResponseWriter, _ *http.Request, s session.Session) {
		s.Login("alice", session.Level(2), session.AuthenticatedAt(time.Now().Add(-30*time.Minute)))
	})
	s.on("/password", func(_ http.ResponseWriter, _ *http.Request, s session.Session) { s.Reauthenticate() })
	s.on("/code", func(_ http.ResponseWriter, _ *http.Request, s session.Session) { s.Reauthenticate(session.Level(2)) })
	b := serve(t, 1, s.handler())("")
	for _, step := range []struct {
		path                   string
		user, level, age, both int
	}{{"/get", 401, 401, 401, 401}, {"/old-login", 200, 200, 403, 403}, {"/password", 200, 200, 200, 403}, {"/code", 200, 200, 200, 200}} {
		b.do("GET", step.path)
		for path, want := range map[string]int{"/user": step.user, "/level": step.level, "/age": step.age, "/both": step.both} {
			if a := b.do("GET", path); a.StatusCode != want {
				t.Errorf("RPT-41 %s after %s: got %d, want %d", path, step.path, a.StatusCode, want)
			}
		}
	}
}
