package roundtrips

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
)

// A request is one of a client.
type request struct {
	session.Session
	m   *session.Manager
	ctx context.Context
}

// begin starts a request and reads its session. A token that is not "" must have one.
func (w *world) begin(m *session.Manager, token string) (*request, error) {
	var lines []string
	if token != "" {
		lines = append(lines, token)
	}
	ctx, _ := m.Start(w.ctx, session.Client{}, lines...)
	s, err := m.From(ctx)
	if err == nil && token != "" && s.ID().IsZero() {
		err = errors.New("the session is gone")
	}
	return &request{s, m, ctx}, err
}

// commit ends the request, and returns the token that its response has.
func (r *request) commit() (token string, err error) {
	e, err := r.m.Commit(r.ctx)
	r.m.Close(r.ctx)
	return e.Value, err
}

// read is a request that changes nothing.
func (w *world) read(m *session.Manager, token string) error {
	r, err := w.begin(m, token)
	if err == nil {
		_, err = r.commit()
	}
	return err
}

// A client is a signed-in or anonymous visitor.
type client struct {
	id    session.ID
	user  string
	token string
}

// client returns one with a new session, and no copy of it. User "" is anonymous.
func (w *world) client(user string) (c client) {
	w.do(func() error {
		r, err := w.begin(w.sessions, "")
		if err != nil {
			return err
		}
		number.Set(r, 1)
		if user != "" {
			r.Login(user)
		}
		c = client{id: r.ID(), user: user}
		c.token, err = r.commit()
		return err
	})
	return c
}

// warm returns a client with a new session that the cache has a copy of.
func (w *world) warm(user string) client {
	c := w.client(user)
	w.do(func() error { return w.read(w.sessions, c.token) })
	return c
}

// clients signs user in n times, past the manager.
func (w *world) clients(user string, n int) {
	for range n {
		w.do(func() error {
			now := time.Now()
			return w.store.Create(w.ctx, &store.Record{
				ID: store.NewID(now), User: user, AuthenticatedAt: now.Add(-time.Second), CreatedAt: now, LastSeen: now, ExpiresAt: now.Add(time.Hour),
			})
		})
	}
}

// stranger returns a well-formed token of no session.
func stranger() string {
	id := store.NewID(time.Now())
	verifier := make([]byte, 32)
	_, _ = rand.Read(verifier)
	return base64.RawURLEncoding.EncodeToString(append(id[:], verifier...))
}

// newUser is somebody without sessions.
func newUser() string { return fmt.Sprintf("user-%s", rand.Text()) }

const number session.Key[int] = "number"

func change(s session.Session) { number.Update(s, func(n int) int { return n + 1 }) }
