package roundtrips

import (
	"context"
	"fmt"
	"time"

	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
)

func (w *world) reads() {
	c := w.warm(newUser())
	w.count("read, fresh copy", func() error { return w.read(w.sessions, c.token) })
	w.count("100 reads, fresh copy", func() error {
		for range 100 {
			if err := w.read(w.sessions, c.token); err != nil {
				return err
			}
		}
		return nil
	})
	if w.other != nil {
		old := w.client(newUser())
		w.do(func() error { _, err := w.aging.Load(w.ctx, old.id); return err })
		w.count("read, stale copy", func() error { return w.read(w.sessions, old.token) })
	}
	cold := w.client(newUser())
	w.count("read, miss", func() error { return w.read(w.sessions, cold.token) })
	w.count("read, no such session", func() error {
		ctx, _ := w.sessions.Start(w.ctx, session.Client{}, stranger())
		defer w.sessions.Close(ctx)
		_, err := w.sessions.From(ctx)
		return err
	})
	authoritative := func(token string) func() error {
		return func() error {
			ctx, _ := w.sessions.Start(w.ctx, session.Client{}, token)
			defer w.sessions.Close(ctx)
			_, err := w.sessions.Require(ctx, session.Requirement{MaxAge: time.Hour})
			return err
		}
	}
	w.count("authoritative read", authoritative(c.token))
	cold = w.client(newUser())
	w.count("authoritative read, miss", authoritative(cold.token))
}

// write counts the commit of a request, after something that happens between its read and the commit.
func (w *world) write(operation string, m *session.Manager, c client, do func(session.Session), between func() error) {
	var r *request
	w.do(func() (err error) {
		if r, err = w.begin(m, c.token); err == nil && between != nil {
			err = between()
		}
		return err
	})
	w.count(operation, func() error {
		do(r)
		_, err := r.commit()
		return err
	})
}

func (w *world) writes() {
	nothing := func(session.Session) {}
	w.write("save after a hit", w.sessions, w.warm(""), change, nil)
	w.write("touch after a hit", w.touching, w.warm(""), nothing, nil)
	w.write("save after a miss", w.sessions, w.client(""), change, nil)
	w.write("touch after a miss", w.touching, w.client(""), nothing, nil)
	if w.other == nil {
		return
	}
	for _, kind := range []struct {
		name string
		m    *session.Manager
		do   func(session.Session)
	}{{"save", w.sessions, change}, {"touch", w.touching, nothing}} {
		c := w.warm("")
		w.write(kind.name+", refused", kind.m, c, kind.do, func() error {
			_, err := w.other.LoadFresh(w.ctx, c.id) // a new copy
			return err
		})
	}
}

func (w *world) conflicts() {
	for n := 1; n <= 2; n++ {
		c := w.warm("")
		left := n
		var r *request
		w.do(func() (err error) { r, err = w.begin(w.sessions, c.token); return err })
		var inside Line
		name := "save with a conflict"
		if n > 1 {
			name = fmt.Sprintf("save with %d conflicts", n)
		}
		w.count(name, func() error {
			// Update runs again for each version that the save meets: so long, somebody else is faster.
			number.Update(r, func(v int) int {
				if left > 0 && w.err == nil {
					left--
					trips, statements := w.trips.Count(), int(w.statements.Load())
					w.err = w.overtake(c)
					inside.Cache += w.trips.Count() - trips
					inside.Database += int(w.statements.Load()) - statements
				}
				return v + 1
			})
			_, err := r.commit()
			return err
		})
		if w.err == nil {
			last := &w.lines[len(w.lines)-1]
			last.Cache -= inside.Cache
			last.Database -= inside.Database
		}
	}
}

// overtake is another request that saves.
func (w *world) overtake(c client) error {
	r, err := w.begin(w.sessions, c.token)
	if err != nil {
		return err
	}
	change(r)
	_, err = r.commit()
	return err
}

func (w *world) logins() {
	w.count("create, anonymous", func() error {
		r, err := w.begin(w.sessions, "")
		if err != nil {
			return err
		}
		change(r)
		_, err = r.commit()
		return err
	})
	login := func(m *session.Manager, user string) func() error {
		return func() error {
			r, err := w.begin(m, "")
			if err != nil {
				return err
			}
			r.Login(user)
			_, err = r.commit()
			return err
		}
	}
	w.count("login, new session", login(w.sessions, newUser()))
	w.write("login, anonymous session", w.sessions, w.warm(""), func(s session.Session) { s.Login(newUser()) }, nil)
	if w.capped != nil {
		user := newUser()
		w.count("login with a cap", login(w.capped, user))
		w.count("login with a cap, over", login(w.capped, user))
	}
}

func (w *world) revocations() {
	w.write("logout", w.sessions, w.warm(newUser()), func(s session.Session) { s.Logout() }, nil)
	c := w.warm(newUser())
	w.count("revoke one", func() error { return w.sessions.RevokeID(w.ctx, c.id) })
	if w.indexed == nil {
		return
	}
	for _, n := range []int{3, 250} {
		user := newUser()
		w.clients(user, n)
		w.count(fmt.Sprintf("list of %d", n), func() error {
			all, err := session.Collect(w.sessions.Sessions(w.ctx, user))
			if err == nil && len(all) != n {
				err = fmt.Errorf("it has %d sessions", len(all))
			}
			return err
		})
		w.count(fmt.Sprintf("revoke user with %d", n), func() error {
			ended, err := w.sessions.RevokeUser(w.ctx, user)
			if err == nil && ended != n {
				err = fmt.Errorf("it ended %d sessions", ended)
			}
			return err
		})
		user = newUser()
		w.clients(user, n)
		w.count(fmt.Sprintf("the same by DeleteUser of the store, %d", n), func() error {
			ids, err := w.indexed.DeleteUser(w.ctx, user, time.Now())
			if err == nil && len(ids) != n {
				err = fmt.Errorf("it removed %d", len(ids))
			}
			return err
		})
	}
}

// sweeps counts the batches of the store: the manager goes on until one finds nothing.
func (w *world) sweeps() {
	if w.indexed == nil || w.statements.Load() == 0 {
		return // servers drop what has expired by themselves
	}
	const n = 3
	for range n {
		w.do(func() error {
			then := time.Now().Add(-3 * time.Hour)
			return w.store.Create(w.ctx, &store.Record{ID: store.NewID(then), CreatedAt: then, LastSeen: then, ExpiresAt: then.Add(time.Minute)})
		})
	}
	sweep := func(want int) func() error {
		return func() error {
			got, err := w.indexed.Sweep(context.WithoutCancel(w.ctx), time.Now(), n)
			if err == nil && got != want {
				err = fmt.Errorf("it removed %d", got)
			}
			return err
		}
	}
	w.count("sweep, a batch", sweep(n))
	w.count("sweep, nothing left", sweep(0))
}
