package session

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/store"
)

// referring is a store that refers to a table of users.
type referring struct {
	memory.Store
	users map[string]bool
}

func (s *referring) knows(r *store.Record) error {
	if r.User != "" && !s.users[r.User] {
		return store.ErrNoUser
	}
	return nil
}

func (s *referring) Create(ctx context.Context, r *store.Record) error {
	if err := s.knows(r); err != nil {
		return err
	}
	return s.Store.Create(ctx, r)
}

func (s *referring) Save(ctx context.Context, r *store.Record) error {
	if err := s.knows(r); err != nil {
		return err
	}
	return s.Store.Save(ctx, r)
}

// TestUnknownUser: RPT-12. A login of a user whom the users table lacks is ErrNoUser, and no revocation: nothing is stored,
// the client keeps its cookie and its session, and Config.Logger is told.
func TestUnknownUser(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before func(s Session) // nil: nothing
		do     func(s Session)
	}{
		"a new visitor":       {nil, func(s Session) { s.Login("Alice") }},
		"with a cart":         {func(s Session) { color.Set(s, "red") }, func(s Session) { s.Login("Alice") }},
		"as another user":     {func(s Session) { s.Login("1"); color.Set(s, "red") }, func(s Session) { s.Login("Alice") }},
		"with values":         {func(s Session) { color.Set(s, "red") }, func(s Session) { s.Login("Alice"); color.Set(s, "blue") }},
		"by Save":             {func(s Session) { color.Set(s, "red") }, func(s Session) { s.Login("Alice"); _ = s.Save(s.self().ctx) }},
		"beside another one":  {func(s Session) { color.Set(s, "red") }, func(s Session) { s.Login("Alice") }},
		"and reauthenticated": {func(s Session) { color.Set(s, "red") }, func(s Session) { s.Login("Alice"); s.Reauthenticate(Level(2)) }},
	} {
		var log bytes.Buffer
		db := &referring{users: map[string]bool{"1": true}}
		m := newManager(t, db, Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		b := newBrowser(t, m)
		want := ""
		if c.before != nil {
			b.do(c.before)
			want = b.user()
		}
		old := b.old()
		r := b.start()
		if name == "beside another one" { // which replaces the token
			b.do(func(s Session) { s.Rotate() })
			old = b.old()
		}
		c.do(r.s)
		e, err := m.Commit(r.ctx)
		if !errors.Is(err, ErrNoUser) || !errors.Is(err, store.ErrNoUser) || errors.Is(err, ErrRevoked) || errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: got %v, want ErrNoUser", name, err)
		}
		if e.Name != "" || e.TakeBack != "" {
			t.Errorf("%s: the response touches the cookie: %v", name, e)
		}
		m.Close(r.ctx)
		if !strings.Contains(log.String(), "users table") || !strings.Contains(log.String(), "Alice") {
			t.Errorf("%s: the log says %q", name, &log)
		}
		n := 0
		for _, err := range m.Find(t.Context(), Query{}) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		if c.before == nil {
			if n != 0 {
				t.Errorf("%s: %d sessions are stored", name, n)
			}
			continue
		}
		old.do(func(s Session) {
			if s.User() != want || color.Get(s) != "red" || n != 1 {
				t.Errorf("%s: afterwards user %q, color %q, %d sessions; want %q, red, 1", name, s.User(), color.Get(s), n, want)
			}
		})
	}
}
