package session

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/store"
)

func TestRequire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, new(memory.Store), Config{})
		b := newBrowser(t, m)
		for _, c := range []struct {
			name string
			do   func(s Session)
			r    Requirement
			want error
		}{
			{"nobody", func(Session) {}, Requirement{}, ErrUnauthenticated},
			{"nobody, strict", func(Session) {}, Requirement{Level: 1}, ErrUnauthenticated},
			{"signed in", func(s Session) { s.Login("alice") }, Requirement{}, nil},
			{"fresh", func(s Session) { time.Sleep(5 * time.Minute) }, Requirement{MaxAge: 5 * time.Minute}, nil},
			{"stale", func(s Session) { time.Sleep(time.Second) }, Requirement{MaxAge: 5 * time.Minute}, ErrStale},
			{"low", func(s Session) { s.Reauthenticate() }, Requirement{Level: 2}, ErrStale},
			{"high", func(s Session) { s.Reauthenticate(Level(2)) }, Requirement{Level: 2, MaxAge: time.Minute}, nil},
		} {
			b.do(c.do)
			r := b.start()
			if _, err := m.Require(r.ctx, c.r); !errors.Is(err, c.want) || c.want == nil && err != nil {
				t.Errorf("%s: got %v, want %v", c.name, err, c.want)
			}
			if _, err := r.end(); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := m.Require(t.Context(), Requirement{}); !errors.Is(err, ErrNoSession) {
			t.Errorf("without middleware: %v", err)
		}
	})
}

func TestRequireIsAuthoritative(t *testing.T) {
	db := &copying{copies: map[ID]*store.Record{}}
	m := newManager(t, db, Config{})
	b := signedIn(t, m, "alice", 1)[0]
	id := b.id()
	if err := db.Store.Delete(t.Context(), id); err != nil { // behind the back of the copies
		t.Fatal(err)
	}
	if b.old().user() != "alice" {
		t.Fatal("the test has no stale copy")
	}
	for _, loaded := range []bool{false, true} {
		ctx, _ := m.Start(t.Context(), b.client, b.cookie)
		if loaded {
			if _, err := m.From(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := m.Require(ctx, Requirement{MaxAge: time.Hour}); !errors.Is(err, ErrUnauthenticated) {
			t.Errorf("loaded before: %t: got %v, want ErrUnauthenticated", loaded, err)
		}
		m.Close(ctx)
	}
}

type copying struct {
	memory.Store
	copies map[ID]*store.Record
}

func (c *copying) Load(ctx context.Context, id ID) (*store.Record, error) {
	if r := c.copies[id]; r != nil {
		return r.Clone(), nil
	}
	return c.LoadFresh(ctx, id)
}

func (c *copying) LoadFresh(ctx context.Context, id ID) (*store.Record, error) {
	r, err := c.Store.Load(ctx, id)
	if err == nil {
		c.copies[id] = r.Clone()
	}
	return r, err
}

func TestStaleCopies(t *testing.T) {
	db := &copying{copies: map[ID]*store.Record{}}
	m := newManager(t, db, Config{})
	alice, bob := signedIn(t, m, "alice", 1)[0], signedIn(t, m, "bob", 1)[0]
	a, b := alice.id(), bob.id()
	alice.do(func(s Session) { s.Rotate() }) // the copy has the old digest
	db.copies[a], db.copies[b] = db.copies[b], db.copies[a]
	if u := alice.user(); u != "alice" {
		t.Errorf("with another session's record as the copy: got %q, want alice", u)
	}
	db.copies[b] = db.copies[b].Clone()
	db.copies[b].ID = b // a forged ID does not help: the digest is another
	if u := bob.user(); u != "bob" {
		t.Errorf("with a forged copy: got %q, want bob", u)
	}
	stale := db.copies[a]
	alice.do(func(s Session) { color.Set(s, "red") })
	db.copies[a] = stale
	alice.do(func(s Session) { shape.Set(s, "round") }) // conflicts, and must not spin on the copy
	delete(db.copies, a)
	alice.do(func(s Session) {
		if color.Get(s) != "red" || shape.Get(s) != "round" {
			t.Errorf("got %q, %q", color.Get(s), shape.Get(s))
		}
	})
}

func TestFind(t *testing.T) {
	m := newManager(t, new(memory.Store), Config{})
	alice := signedIn(t, m, "alice", 5)
	signedIn(t, m, "bob", 2)
	newBrowser(t, m).do(func(s Session) { color.Set(s, "red") })
	r := alice[1].start()
	list, err := Collect(m.Sessions(r.ctx, "alice"))
	if err != nil || len(list) != 5 {
		t.Fatalf("got %d, %v", len(list), err)
	}
	for i, info := range list {
		if i > 0 && list[i-1].ID.String() <= info.ID.String() {
			t.Error("not the latest first")
		}
		if info.Current != (info.ID == r.s.ID()) || info.User != "alice" || info.UserAgent != "test/1.0" || !info.IP.IsValid() || info.LastSeen.IsZero() {
			t.Errorf("got %+v", info)
		}
	}
	var pages []string
	for q := (Query{Limit: 2}); ; {
		page, err := Collect(m.Find(t.Context(), q))
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, fmt.Sprint(len(page)))
		if len(page) < q.Limit {
			break
		}
		q.After = page[len(page)-1].ID
	}
	if got := fmt.Sprint(pages); got != "[2 2 2 2 0]" {
		t.Errorf("pages: got %s", got)
	}
	for info, err := range m.Find(t.Context(), Query{Kind: Users}) { // the loop may revoke
		if err != nil {
			t.Fatal(err)
		}
		if err := m.RevokeID(t.Context(), info.ID); err != nil {
			t.Error(err)
		}
	}
	if left, err := Collect(m.Find(t.Context(), Query{})); err != nil || len(left) != 1 || left[0].User != "" {
		t.Errorf("left: %+v, %v", left, err)
	}
	if _, err := Collect(m.Sessions(t.Context(), "")); err == nil {
		t.Error("sessions of nobody")
	}
}

func TestPlainStore(t *testing.T) {
	plain := struct{ store.Store }{new(memory.Store)}
	if _, err := New(plain, Config{PerUser: Limit{Max: 3}}); err == nil {
		t.Error("a cap of sessions over a store without index was accepted")
	}
	m := newManager(t, plain, Config{})
	b := newBrowser(t, m)
	b.do(func(s Session) { s.Login("alice") })
	if b.user() != "alice" {
		t.Error("not signed in")
	}
	_, find := Collect(m.Find(t.Context(), Query{}))
	_, user := m.RevokeUser(t.Context(), "alice")
	_, sweep := m.Sweep(t.Context())
	for _, err := range []error{find, user, sweep, m.Run(t.Context())} {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("got %v, want ErrUnsupported", err)
		}
	}
	if err := m.Revoke(t.Context(), "alice", b.id()); err != nil || b.user() != "" {
		t.Errorf("Revoke: %v", err)
	}
	if _, err := New(nil, Config{}); err == nil {
		t.Error("New(nil) succeeded")
	}
}

// TestRequireClosed: ATK-7, RPT-29. What goes on when its request has ended, such as a stream, is told by a strict Require that
// the session has ended, and by Save that the request has.
func TestRequireClosed(t *testing.T) {
	t.Parallel()
	m := newManager(t, new(memory.Store), Config{})
	r := signedIn(t, m, "alice", 1)[0].start()
	s, err := m.From(r.ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.end(); err != nil {
		t.Fatal(err)
	}
	if err := s.Save(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("Save after the request: got %v, want ErrClosed", err)
	}
	if _, err := m.Require(r.ctx, Requirement{Level: 1}); err != nil {
		t.Errorf("Require after the request: got %v", err)
	}
	if _, err := m.RevokeUser(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Require(r.ctx, Requirement{Level: 1}); !errors.Is(err, ErrUnauthenticated) {
		t.Errorf("Require after the revocation: got %v, want ErrUnauthenticated", err)
	}
}
