package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/gofiber/fiber/v3"
)

// A race is where the requests of an application wait for each other.
type race struct {
	meet         chan struct{} // both requests of a pair have loaded the session
	loaded, goOn chan struct{} // of the request in flight, and of the logout
}

func newRace() *race {
	return &race{make(chan struct{}), make(chan struct{}), make(chan struct{})}
}

func (r *race) routes(app *fiber.App, l library) {
	app.Get("/login", func(c fiber.Ctx) error { return l.login(c, "ann") })
	app.Get("/logout", l.logout)
	app.Get("/show/:key", func(c fiber.Ctx) error {
		v, err := l.get(c, c.Params("key"))
		if err != nil {
			return err
		}
		return c.SendString(v)
	})
	app.Get("/pair/:key/:n", func(c fiber.Ctx) error {
		key, n := strings.Clone(c.Params("key")), strings.Clone(c.Params("n"))
		if _, err := l.get(c, key); err != nil {
			return err
		}
		select {
		case r.meet <- struct{}{}:
		case <-r.meet:
		}
		return l.set(c, key, n)
	})
	late := func(then fiber.Handler) fiber.Handler {
		return func(c fiber.Ctx) error {
			if _, err := l.get(c, "user"); err != nil {
				return err
			}
			r.loaded <- struct{}{}
			<-r.goOn
			return then(c)
		}
	}
	app.Get("/late-write", late(func(c fiber.Ctx) error { return l.set(c, "late", "1") }))
	app.Get("/late-read", late(func(c fiber.Ctx) error { _, err := l.get(c, "late"); return err }))
	app.Get("/alive", func(c fiber.Ctx) error {
		v, err := l.get(c, "kept")
		if err != nil {
			return err
		}
		return c.SendString(v)
	})
	app.Get("/keep", func(c fiber.Ctx) error { return l.set(c, "kept", "yes") })
}

// Losses are what races have cost.
type losses struct{ updates, lateWrite, lateRead int }

// races forces n pairs of requests that set different keys of one session, and logouts with a request in flight that saves,
// or only reads, when the logout has been answered.
func races(ctx context.Context, l library, pairs, logouts int) (lost losses, err error) {
	r := newRace()
	app := newApp(l, r)
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return lost, err
	}
	done := make(chan error, 1)
	go func() { done <- app.Listener(listener, fiber.ListenConfig{DisableStartupMessage: true}) }()
	defer func() {
		_ = listener.Close()
		<-done
	}()
	t := &tester{url: "http://" + listener.Addr().String(), name: l.cookie()}
	if lost.updates, err = t.pairs(ctx, pairs); err != nil {
		return lost, err
	}
	if lost.lateWrite, err = t.logouts(ctx, r, logouts, "/late-write"); err != nil {
		return lost, err
	}
	lost.lateRead, err = t.logouts(ctx, r, logouts, "/late-read")
	return lost, err
}

// A tester is clients of an application.
type tester struct{ url, name string }

func (t *tester) get(ctx context.Context, path, token string) (body, newToken string, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, t.url+path, nil)
	if err != nil {
		return "", "", err
	}
	if token != "" {
		r.Header.Set("Cookie", t.name+"="+token)
	}
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", "", err
	}
	defer w.Body.Close()
	b, err := io.ReadAll(w.Body)
	if err != nil || w.StatusCode != http.StatusOK {
		return "", "", fmt.Errorf("%w, %w", unexpected(path, w.StatusCode, b), err)
	}
	for _, c := range w.Cookies() {
		newToken = c.Value
	}
	return string(b), newToken, nil
}

func (t *tester) pairs(ctx context.Context, n int) (lost int, err error) {
	_, token, err := t.get(ctx, "/login", "")
	if err != nil {
		return 0, err
	}
	for i := 1; i <= n; i++ {
		both := make(chan error, 2)
		for _, key := range []string{"left", "right"} {
			go func() {
				_, _, err := t.get(ctx, fmt.Sprintf("/pair/%s/%d", key, i), token)
				both <- err
			}()
		}
		for range 2 {
			if err := <-both; err != nil {
				return lost, err
			}
		}
		for _, key := range []string{"left", "right"} {
			v, _, err := t.get(ctx, "/show/"+key, token)
			if err != nil {
				return lost, err
			}
			if v != fmt.Sprint(i) {
				lost++
			}
		}
	}
	return lost, nil
}

// logouts returns in how many of n cases the token of before the logout, or what the late answer hands out, still opens the
// session with what it held.
func (t *tester) logouts(ctx context.Context, r *race, n int, path string) (alive int, err error) {
	for range n {
		_, token, err := t.get(ctx, "/login", "")
		if err != nil {
			return alive, err
		}
		if _, _, err := t.get(ctx, "/keep", token); err != nil {
			return alive, err
		}
		late := make(chan error, 1)
		handed := ""
		go func() {
			var err error
			_, handed, err = t.get(ctx, path, token)
			late <- err
		}()
		<-r.loaded
		_, _, err = t.get(ctx, "/logout", token)
		r.goOn <- struct{}{}
		// The late request may be told that its session has gone: that is no failure.
		if lateErr := <-late; err != nil || lateErr != nil && path == "/late-read" {
			return alive, fmt.Errorf("%w, %w", err, lateErr)
		}
		for _, token := range []string{token, handed} {
			if token == "" {
				continue
			}
			kept, _, err := t.get(ctx, "/alive", token)
			if err != nil {
				return alive, err
			}
			if kept == "yes" {
				alive++
				break
			}
		}
	}
	return alive, nil
}
