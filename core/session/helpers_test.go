package session

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/qsessions/qsessions/core/cacheddb"
	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/store"
)

// A spy is a store in memory that remembers how often it was called, and what it was given.
type spy struct {
	memory.Store
	mu    sync.Mutex
	calls int
	given strings.Builder
}

func (s *spy) note(args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	for _, a := range args {
		if r, ok := a.(*store.Record); ok {
			s.given.Write(store.AppendRecord(nil, r))
		}
		if id, ok := a.(store.ID); ok {
			s.given.Write(id[:])
		}
		fmt.Fprintf(&s.given, "%+v %x\n", a, a)
	}
}

func (s *spy) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

func (s *spy) Load(ctx context.Context, id store.ID) (*store.Record, error) {
	s.note(id)
	return s.Store.Load(ctx, id)
}

func (s *spy) Create(ctx context.Context, r *store.Record) error {
	s.note(r)
	return s.Store.Create(ctx, r)
}

func (s *spy) Save(ctx context.Context, r *store.Record) error {
	s.note(r)
	return s.Store.Save(ctx, r)
}

func (s *spy) Touch(ctx context.Context, r *store.Record, u store.Touch) error {
	s.note(r, u)
	return s.Store.Touch(ctx, r, u)
}

func (s *spy) Delete(ctx context.Context, ids ...store.ID) error {
	s.note(ids)
	return s.Store.Delete(ctx, ids...)
}

func (s *spy) List(ctx context.Context, q store.Query) iter.Seq2[*store.Record, error] {
	s.note(q)
	return s.Store.List(ctx, q)
}

func (s *spy) DeleteUser(ctx context.Context, user string, cutoff time.Time, keep ...store.ID) ([]store.ID, error) {
	s.note(user, cutoff, keep)
	return s.Store.DeleteUser(ctx, user, cutoff, keep...)
}

func (s *spy) Cutoff(ctx context.Context, user string) (time.Time, error) {
	s.note(user)
	return s.Store.Cutoff(ctx, user)
}

// manager returns a manager over s.
func manager(t testing.TB, s store.Store, c Config) *Manager {
	t.Helper()
	m, err := New(s, c)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// A visitor is a client that keeps its cookie.
type visitor struct {
	t      testing.TB
	m      *Manager
	client Client
	token  string
}

// try makes one request, in which it calls f.
func (v *visitor) try(f func(Session)) (Effect, error) {
	v.t.Helper()
	line := v.token
	if v.m.cfg.Header == "" {
		line = v.m.cfg.Cookie.Name + "=" + v.token
	}
	ctx, _ := v.m.Start(v.t.Context(), v.client, line)
	defer v.m.Close(ctx)
	s, err := From(ctx)
	if err != nil {
		return Effect{}, err
	}
	f(s)
	e, err := v.m.Commit(ctx)
	switch {
	case e.Name == "Set-Cookie":
		value, _, _ := strings.Cut(e.Value, ";")
		_, v.token, _ = strings.Cut(value, "=")
	case e.Name != "":
		v.token = e.Value
	}
	return e, err
}

// do is try for a request that succeeds.
func (v *visitor) do(f func(Session)) Effect {
	v.t.Helper()
	e, err := v.try(f)
	if err != nil {
		v.t.Fatal(err)
	}
	return e
}

// user returns who is signed in.
func (v *visitor) user() (user string) {
	v.t.Helper()
	v.do(func(s Session) { user = s.User() })
	return user
}

type stack struct {
	name  string
	store store.Store
}

// stacks returns a database alone, and one with a cache in front.
func stacks(t testing.TB) []stack {
	t.Helper()
	both, err := cacheddb.New(new(memory.Cache), new(memory.Store), cacheddb.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return []stack{{"db", new(memory.Store)}, {"cached_db", both}}
}

// freshToken returns a well-formed token that no session has.
func freshToken() string {
	t := newToken(store.NewID(time.Now()))
	return t.text()
}

// idOf returns the ID in a token.
func idOf(text string) ID {
	t, _ := parseToken(text)
	return t.id
}
