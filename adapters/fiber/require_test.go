package fibersession_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v3"

	fibersession "github.com/qsessions/qsessions/adapters/fiber"
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

func ok(fiber.Ctx) error { return nil }

// TestRequire: who may pass, and what the others get.
func TestRequire(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.Config{}, fibersession.Config{})
	s.Get("/user", fibersession.Require(s.sessions), ok)
	s.Get("/fresh", fibersession.RequireFresh(s.sessions, 10*time.Minute), ok)
	s.Get("/never", fibersession.RequireFresh(s.sessions, 0), ok)
	s.Get("/never2", fibersession.RequireFresh(s.sessions, -time.Hour), ok)
	s.Get("/level1", fibersession.RequireLevel(s.sessions, 0), ok)
	s.Get("/level2", fibersession.RequireLevel(s.sessions, 2), ok)
	g := s.Group("/both", fibersession.RequireLevel(s.sessions, 2), fibersession.RequireFresh(s.sessions, 10*time.Minute))
	g.Get("/", ok)
	s.on("/old-login", func(_ fiber.Ctx, s session.Session) error {
		s.Login("alice", session.AuthenticatedAt(time.Now().Add(-30*time.Minute)))
		return nil
	})
	s.on("/confirm", func(_ fiber.Ctx, s session.Session) error { s.Reauthenticate(); return nil })
	s.on("/confirm2", func(_ fiber.Ctx, s session.Session) error { s.Reauthenticate(session.Level(2)); return nil })
	b := serve(t, s.App)("")
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

// TestRequireFreshIsExact: SEC-15, CVE-4. A revoked session that a cache still has is refused where it matters.
func TestRequireFreshIsExact(t *testing.T) {
	t.Parallel()
	db := new(frozen)
	m, err := session.New(db, session.Config{})
	if err != nil {
		t.Fatal(err)
	}
	s := &site{fiber.New(), t, nil, m}
	s.Use(fibersession.New(m, fibersession.Config{}))
	s.routes()
	s.Get("/user", fibersession.Require(m), ok)
	s.Get("/fresh", fibersession.RequireFresh(m, time.Hour), ok)
	s.Get("/loaded", fibersession.Require(m), fibersession.RequireFresh(m, time.Hour), ok)
	s.Get("/level", fibersession.RequireLevel(m, 1), ok)
	b := serve(t, s.App)("")
	for _, path := range []string{"/login?user=" + "alice", "/user", "/fresh", "/loaded", "/level"} {
		b.want(path, 200, "")
	}
	if _, err := m.RevokeUser(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	b.want("/user", 200, "") // the cache is that wrong
	for _, path := range []string{"/fresh", "/loaded", "/level"} {
		fresh := db.fresh
		if a := b.do("GET", path); a.StatusCode != 401 || strings.Join(a.Header["Set-Cookie"], "") != "" || db.fresh == fresh {
			t.Errorf("%s: got %d, %q after %d fresh loads; want 401", path, a.StatusCode, a.Header["Set-Cookie"], db.fresh-fresh)
		}
	}
}

// TestRequireProof: RPT-41. A second factor within ten minutes is not one of half an hour ago and a password just now.
func TestRequireProof(t *testing.T) {
	t.Parallel()
	s := newSite(t, session.Config{}, fibersession.Config{})
	s.Get("/user", fibersession.RequireProof(s.sessions, session.Requirement{}), ok)
	s.Get("/level", fibersession.RequireProof(s.sessions, session.Requirement{Level: 2}), ok)
	s.Get("/age", fibersession.RequireProof(s.sessions, session.Requirement{MaxAge: 10 * time.Minute}), ok)
	s.Get("/both", fibersession.RequireProof(s.sessions, session.Requirement{Level: 2, MaxAge: 10 * time.Minute}), ok)
	s.on("/old-login", func(_ fiber.Ctx, s session.Session) error {
		s.Login("alice", session.Level(2), session.AuthenticatedAt(time.Now().Add(-30*time.Minute)))
		return nil
	})
	s.on("/password", func(_ fiber.Ctx, s session.Session) error { s.Reauthenticate(); return nil })
	s.on("/code", func(_ fiber.Ctx, s session.Session) error { s.Reauthenticate(session.Level(2)); return nil })
	b := serve(t, s.App)("")
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
