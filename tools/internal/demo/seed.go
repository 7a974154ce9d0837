package demo

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
)

// seeders create sessions at once: a database on another machine, or one that waits for its disk, has others to do
// meanwhile.
const seeders = 8

// Seed makes up sessions until s has n in all: of the demo's users if it has none yet, and of people who do not exist.
// Nobody holds a token of theirs. It returns how many it made, also with an error; progress is told how many there are,
// by one goroutine at a time.
func Seed(ctx context.Context, s store.Indexed, n int, progress func(there int)) (int, error) {
	return seed(ctx, s, n, time.Now(), progress)
}

func seed(ctx context.Context, s store.Indexed, n int, now time.Time, progress func(there int)) (int, error) {
	there := 0
	if n > 0 {
		for _, err := range s.List(ctx, store.Query{Limit: n}) {
			if err != nil {
				return 0, err
			}
			there++
		}
	}
	var own []string
	if there == 0 {
		own = ownSessions()
	}
	people := newCrowd(n)
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var next, made atomic.Int64
	var mu sync.Mutex // of progress
	var wg sync.WaitGroup
	for range seeders {
		wg.Go(func() {
			m, err := newMaker()
			for i := there + int(next.Add(1)) - 1; i < n && err == nil; i = there + int(next.Add(1)) - 1 {
				user := ""
				if i < len(own) {
					user = own[i]
				}
				var r *store.Record
				if r, _, err = m.record(ctx, people.visit(i, user, now)); err == nil {
					err = s.Create(ctx, r)
				}
				if err == nil {
					mu.Lock()
					progress(there + int(made.Add(1)))
					mu.Unlock()
				}
			}
			if err != nil {
				fail(err)
			}
		})
	}
	wg.Wait()
	return int(made.Load()), context.Cause(ctx)
}

// A maker makes records as a session manager does, by one.
type maker struct {
	sessions *session.Manager
	out      *drawer
}

func newMaker() (*maker, error) {
	d := new(drawer)
	m, err := session.New(d, session.Config{})
	return &maker{m, d}, err
}

// record lets the manager begin a session now, and puts it back to when v was. The effect has a token that opens nothing:
// the session that it is bound to has another ID by then.
func (m *maker) record(ctx context.Context, v visit) (*store.Record, session.Effect, error) {
	ctx, _ = m.sessions.Start(ctx, v.client)
	deadline, err := m.begin(ctx, v)
	effect := m.sessions.Close(ctx)
	if err != nil {
		return nil, effect, err
	}
	r, p := m.out.last, m.sessions.Policy()
	idle, lifetime := p.Idle, p.Lifetime
	switch {
	case v.keep > 0:
		idle, lifetime = v.keep, v.keep
	case v.remember:
		idle, lifetime = p.RememberIdle, p.RememberLifetime
	case v.user == "":
		idle, lifetime = p.AnonymousIdle, p.AnonymousLifetime
	}
	r.ID = store.NewID(v.began)
	r.CreatedAt, r.LastSeen = micros(v.began), micros(v.seen)
	since := r.CreatedAt
	if r.User != "" {
		r.AuthenticatedAt = micros(v.login)
		since = r.AuthenticatedAt
	}
	end := since.Add(lifetime)
	r.ExpiresAt = r.LastSeen.Add(idle)
	if end.Before(r.ExpiresAt) {
		r.ExpiresAt = end
	}
	// The deadline is the one time among the session's own notes that people are shown.
	note := bytes.Replace(r.Secret, noted(deadline), noted(end), 1)
	if bytes.Equal(note, r.Secret) {
		return nil, effect, errors.New("the deadline of a made-up session cannot be found")
	}
	r.Secret = note
	return r, effect, nil
}

// begin does what the request of a visit does, and returns when the session ends, however much it is used.
func (m *maker) begin(ctx context.Context, v visit) (deadline time.Time, err error) {
	s, err := session.From(ctx)
	if err != nil {
		return deadline, err
	}
	if v.user != "" {
		var options []session.LoginOption
		if v.remember {
			options = append(options, session.Remember())
		}
		s.Login(v.user, options...)
	}
	if v.keep > 0 {
		s.Expire(v.keep, v.keep)
	}
	visits.Set(s, v.visits)
	if v.theme != themes[0] {
		theme.Set(s, v.theme)
	}
	if len(v.cart) > 0 {
		cart.Set(s, v.cart)
	}
	err = s.Save(ctx)
	return s.Info().Deadline, err
}

// micros is a time as stores keep it.
func micros(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// noted is a time as package session writes it into its notes.
func noted(t time.Time) []byte { return binary.BigEndian.AppendUint64(nil, uint64(t.UnixMicro())) }

// A drawer is a store that keeps the record that was created last.
type drawer struct{ last *store.Record }

func (*drawer) Load(context.Context, store.ID) (*store.Record, error) {
	return nil, store.ErrNotFound
}

func (d *drawer) Create(_ context.Context, r *store.Record) error {
	d.last = r.Clone()
	return nil
}

func (*drawer) Save(context.Context, *store.Record) error               { return store.ErrConflict }
func (*drawer) Touch(context.Context, *store.Record, store.Touch) error { return store.ErrConflict }
func (*drawer) Delete(context.Context, ...store.ID) error               { return nil }
