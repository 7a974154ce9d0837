package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/gofiber/fiber/v3"
	fibers "github.com/gofiber/fiber/v3/middleware/session"

	fibersession "github.com/qsessions/qsessions/adapters/fiber"
	"github.com/qsessions/qsessions/core/session"
	"github.com/qsessions/qsessions/core/store"
)

// A library is sessions for Fiber.
type library interface {
	middleware() fiber.Handler
	get(c fiber.Ctx, key string) (string, error)
	set(c fiber.Ctx, key, value string) error
	login(c fiber.Ctx, user string) error
	logout(c fiber.Ctx) error
	cookie() string // its name
}

// ours is this library.
type ours struct{ *session.Manager }

func newOurs(s store.Store, p session.Policy) (ours, error) {
	m, err := session.New(s, session.Config{Policy: p})
	return ours{m}, err
}

func (o ours) middleware() fiber.Handler { return fibersession.New(o.Manager, fibersession.Config{}) }
func (o ours) cookie() string            { return "__Host-session" }

func (o ours) get(c fiber.Ctx, key string) (string, error) {
	s, err := fibersession.From(c)
	if err != nil {
		return "", err
	}
	return session.Key[string](key).Get(s), nil
}

func (o ours) set(c fiber.Ctx, key, value string) error {
	s, err := fibersession.From(c)
	if err == nil {
		session.Key[string](key).Set(s, value)
	}
	return err
}

func (o ours) login(c fiber.Ctx, user string) error {
	s, err := fibersession.From(c)
	if err == nil {
		s.Login(user)
	}
	return err
}

func (o ours) logout(c fiber.Ctx) error {
	s, err := fibersession.From(c)
	if err == nil {
		s.Logout()
	}
	return err
}

// theirs is Fiber's own middleware, as its documentation uses it.
type theirs struct{ storage fiber.Storage } // nil: in memory

func (t theirs) middleware() fiber.Handler { return fibers.New(fibers.Config{Storage: t.storage}) }
func (t theirs) cookie() string            { return "session_id" }

func (t theirs) get(c fiber.Ctx, key string) (string, error) {
	value, _ := fibers.FromContext(c).Get(key).(string)
	return value, nil
}

func (t theirs) set(c fiber.Ctx, key, value string) error {
	fibers.FromContext(c).Set(key, value)
	return nil
}

func (t theirs) login(c fiber.Ctx, user string) error { return t.set(c, "user", user) }
func (t theirs) logout(c fiber.Ctx) error             { return fibers.FromContext(c).Destroy() }

var value = strings.Repeat("a", 98)

// newApp returns an application with what is measured, and with races.
func newApp(l library, r *race) *fiber.App {
	app := fiber.New()
	app.Get("/bare", answer)
	app.Use(l.middleware())
	app.Get("/untouched", answer)
	app.Get("/read", func(c fiber.Ctx) error {
		v, err := l.get(c, "key5")
		if err != nil {
			return err
		}
		return c.SendString(v)
	})
	app.Get("/modify", func(c fiber.Ctx) error { return errors.Join(l.set(c, "key5", value), answer(c)) })
	app.Get("/create", func(c fiber.Ctx) error {
		if err := l.login(c, "ann"); err != nil {
			return err
		}
		for i := range 10 {
			if err := l.set(c, "key"+strconv.Itoa(i), value); err != nil {
				return err
			}
		}
		return answer(c)
	})
	r.routes(app, l)
	return app
}

func answer(c fiber.Ctx) error { return c.SendString(value) }

// A counted store counts calls.
type counted struct {
	store.Indexed
	calls atomic.Int64
}

func (s *counted) Load(ctx context.Context, id store.ID) (*store.Record, error) {
	s.calls.Add(1)
	return s.Indexed.Load(ctx, id)
}

func (s *counted) Create(ctx context.Context, r *store.Record) error {
	s.calls.Add(1)
	return s.Indexed.Create(ctx, r)
}

func (s *counted) Save(ctx context.Context, r *store.Record) error {
	s.calls.Add(1)
	return s.Indexed.Save(ctx, r)
}

func (s *counted) Touch(ctx context.Context, r *store.Record, t store.Touch) error {
	s.calls.Add(1)
	return s.Indexed.Touch(ctx, r, t)
}

func (s *counted) Delete(ctx context.Context, ids ...store.ID) error {
	s.calls.Add(1)
	return s.Indexed.Delete(ctx, ids...)
}

func (s *counted) rows(ctx context.Context) (n int, err error) {
	for _, err := range s.List(ctx, store.Query{}) {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

var errStatus = errors.New("unexpected answer")

func unexpected(path string, status int, body []byte) error {
	return fmt.Errorf("%w: %s answers %d %.60q", errStatus, path, status, body)
}
