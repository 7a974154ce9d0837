package session

import (
	"context"
	"errors"
	"iter"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/store"
)

// hanging is a store in memory of which some calls, by name, do not answer before their context ends.
type hanging struct {
	memory.Store
	hangs atomic.Pointer[map[string]bool]
}

func (s *hanging) hang(calls ...string) {
	m := map[string]bool{}
	for _, c := range calls {
		m[c] = true
	}
	s.hangs.Store(&m)
}

func (s *hanging) wait(ctx context.Context, call string) error {
	if m := s.hangs.Load(); m == nil || !(*m)[call] && !(*m)["all"] {
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}

func (s *hanging) Load(ctx context.Context, id ID) (*store.Record, error) {
	if err := s.wait(ctx, "Load"); err != nil {
		return nil, err
	}
	return s.Store.Load(ctx, id)
}

func (s *hanging) Create(ctx context.Context, r *store.Record) error {
	if err := s.wait(ctx, "Create"); err != nil {
		return err
	}
	return s.Store.Create(ctx, r)
}

func (s *hanging) Save(ctx context.Context, r *store.Record) error {
	if err := s.wait(ctx, "Save"); err != nil {
		return err
	}
	return s.Store.Save(ctx, r)
}

func (s *hanging) Touch(ctx context.Context, r *store.Record, t store.Touch) error {
	if err := s.wait(ctx, "Touch"); err != nil {
		return err
	}
	return s.Store.Touch(ctx, r, t)
}

func (s *hanging) Delete(ctx context.Context, ids ...ID) error {
	if err := s.wait(ctx, "Delete"); err != nil {
		return err
	}
	return s.Store.Delete(ctx, ids...)
}

func (s *hanging) List(ctx context.Context, q Query) iter.Seq2[*store.Record, error] {
	return func(yield func(*store.Record, error) bool) {
		if err := s.wait(ctx, "List"); err != nil {
			yield(nil, err)
			return
		}
		for r, err := range s.Store.List(ctx, q) {
			if !yield(r, err) {
				return
			}
			if err := s.wait(ctx, "next"); err != nil {
				yield(nil, err)
				return
			}
		}
	}
}

func (s *hanging) DeleteUser(ctx context.Context, user string, cutoff time.Time, keep ...ID) ([]ID, error) {
	if err := s.wait(ctx, "DeleteUser"); err != nil {
		return nil, err
	}
	return s.Store.DeleteUser(ctx, user, cutoff, keep...)
}

func (s *hanging) Cutoff(ctx context.Context, user string) (time.Time, error) {
	if err := s.wait(ctx, "Cutoff"); err != nil {
		return time.Time{}, err
	}
	return s.Store.Cutoff(ctx, user)
}

func (s *hanging) Sweep(ctx context.Context, before time.Time, limit int) (int, error) {
	if err := s.wait(ctx, "Sweep"); err != nil {
		return 0, err
	}
	return s.Store.Sweep(ctx, before, limit)
}

// TestEarlierDeadlineCounts: RPT-10. Of StoreTimeout and a deadline of the context the earlier one bounds every way into the
// store, and a request as a whole; a deadline that has passed is no more than a cancellation, which writes outlive.
func TestEarlierDeadlineCounts(t *testing.T) {
	const timeout = 5 * time.Second
	// request commits what f does in a request whose session was loaded before the store hung.
	request := func(f func(s Session)) func(context.Context, *browser, func()) error {
		return func(ctx context.Context, b *browser, hang func()) error {
			ctx, _ = b.m.Start(ctx, b.client, b.cookie)
			defer b.m.Close(ctx)
			s, err := b.m.From(ctx)
			if err != nil {
				return err
			}
			hang()
			f(s)
			_, err = b.m.Commit(ctx)
			return err
		}
	}
	for name, op := range map[string]struct {
		hang string
		do   func(ctx context.Context, b *browser, hang func()) error
		most time.Duration // without a deadline
	}{
		"load": {"Load", func(ctx context.Context, b *browser, hang func()) error {
			hang()
			ctx, _ = b.m.Start(ctx, b.client, b.cookie)
			defer b.m.Close(ctx)
			_, err := b.m.From(ctx)
			return err
		}, timeout},
		"require": {"Load", func(ctx context.Context, b *browser, hang func()) error {
			hang()
			ctx, _ = b.m.Start(ctx, b.client, b.cookie)
			defer b.m.Close(ctx)
			_, err := b.m.Require(ctx, Requirement{MaxAge: time.Hour})
			return err
		}, timeout},
		"value":            {"all", request(func(s Session) { color.Set(s, "red") }), timeout},
		"rotation":         {"all", request(func(s Session) { s.Rotate() }), timeout},
		"logout":           {"all", request(func(s Session) { s.Logout() }), timeout},
		"login":            {"all", request(func(s Session) { s.Login("alice") }), timeout},
		"login as another": {"all", request(func(s Session) { s.Login("bob") }), timeout},
		"cut-off":          {"Cutoff", request(func(s Session) { s.Login("alice") }), timeout},
		"inspect": {"Load", func(ctx context.Context, b *browser, hang func()) error {
			hang()
			_, err := b.m.Inspect(ctx, cookieID(b))
			return err
		}, timeout},
		"list": {"List", func(ctx context.Context, b *browser, hang func()) error {
			hang()
			_, err := Collect(b.m.Sessions(ctx, "alice"))
			return err
		}, timeout},
		"list, further on": {"next", func(ctx context.Context, b *browser, hang func()) error {
			hang()
			_, err := Collect(b.m.Find(ctx, Query{}))
			return err
		}, timeout},
		"revoke": {"Delete", func(ctx context.Context, b *browser, hang func()) error {
			hang()
			return b.m.RevokeID(ctx, cookieID(b))
		}, timeout},
		"revoke user": {"DeleteUser", func(ctx context.Context, b *browser, hang func()) error {
			hang()
			_, err := b.m.RevokeUser(ctx, "alice")
			return err
		}, time.Minute},
		"sweep": {"Sweep", func(ctx context.Context, b *browser, hang func()) error {
			hang()
			_, err := b.m.Sweep(ctx)
			return err
		}, time.Minute},
	} {
		for _, deadline := range []time.Duration{0, time.Hour, 2 * time.Second} {
			synctest.Test(t, func(t *testing.T) {
				db := &hanging{}
				b := signedIn(t, newManager(t, db, Config{StoreTimeout: timeout}), "alice", 2)[0]
				ctx, most := context.Background(), op.most
				if deadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, deadline)
					defer cancel()
					most = min(most, deadline)
				}
				began := time.Now()
				err := op.do(ctx, b, func() { db.hang(op.hang) })
				if took := time.Since(began); took > most {
					t.Errorf("%s, deadline %v: took %v, want at most %v", name, deadline, took, most)
				}
				if err == nil || ctx.Err() == nil && !errors.Is(err, ErrUnavailable) {
					t.Errorf("%s, deadline %v: got %v, want ErrUnavailable", name, deadline, err)
				}
				db.hang()
				if b.user() != "alice" && op.hang != "Cutoff" {
					t.Errorf("%s, deadline %v: signed out", name, deadline)
				}
			})
		}
	}
}

// TestWriteOutlivesDeadline: RPT-10. What a handler did that came back after the deadline of its request is saved.
func TestWriteOutlivesDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, new(memory.Store), Config{})
		b := signedIn(t, m, "alice", 1)[0]
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		ctx, _ = m.Start(ctx, b.client, b.cookie)
		s, err := m.From(ctx)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		color.Set(s, "red")
		if _, err := m.Commit(ctx); err != nil {
			t.Error(err)
		}
		b.do(func(s Session) {
			if color.Get(s) != "red" {
				t.Error("not saved")
			}
		})
	})
}

// TestSlowLoopOverList: RPT-10. The bound of a list is of the store alone: the loop may take as long as it likes.
func TestSlowLoopOverList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, &hanging{}, Config{StoreTimeout: time.Second})
		signedIn(t, m, "alice", 3)
		n := 0
		for _, err := range m.Find(t.Context(), Query{}) {
			if err != nil {
				t.Fatal(err)
			}
			n++
			time.Sleep(time.Minute)
		}
		if n != 3 {
			t.Errorf("got %d sessions, want 3", n)
		}
	})
}

func cookieID(b *browser) ID {
	_, token, _ := strings.Cut(b.cookie, "=")
	return idOf(token)
}

// TestUndoIsBounded: RPT-10. Where the time of a commit has run out, the removal of its login takes a second more at most.
func TestUndoIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &hanging{}
		m := newManager(t, db, Config{StoreTimeout: 5 * time.Second})
		b := newBrowser(t, m)
		r := b.start()
		r.s.Login("alice")
		db.hang("Cutoff", "Delete")
		began := time.Now()
		if _, err := r.end(); !errors.Is(err, ErrUnavailable) {
			t.Errorf("got %v, want ErrUnavailable", err)
		}
		if took := time.Since(began); took > 6*time.Second {
			t.Errorf("took %v", took)
		}
	})
}
