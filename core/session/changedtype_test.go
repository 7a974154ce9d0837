package session

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/core/memory"
)

// TestChangedType: RPT-33. A value that an earlier release stored with another type does not keep a session from being
// written: Set replaces it, UpdateOr starts anew, another name leaves it, and Update alone refuses.
func TestChangedType(t *testing.T) {
	t.Parallel()
	const before Key[string] = "cart"
	const cart Key[[]string] = "cart"
	const cart2 Key[[]string] = "cart2"
	tea := []string{"tea"}
	add := func(c []string) []string { return append(slices.Clip(c), "tea") }
	for name, c := range map[string]struct {
		do   func(s Session)
		want error
		read Key[[]string]
		have []string
	}{
		"Update":              {func(s Session) { cart.Update(s, add) }, ErrCorrupt, cart, nil},
		"UpdateOr":            {func(s Session) { cart.UpdateOr(s, nil, add) }, nil, cart, tea},
		"UpdateOr, a default": {func(s Session) { cart.UpdateOr(s, []string{"pot"}, add) }, nil, cart, []string{"pot", "tea"}},
		"UpdateOr, no value":  {func(s Session) { cart2.UpdateOr(s, []string{"pot"}, add) }, nil, cart2, []string{"pot", "tea"}},
		"UpdateOr, a value":   {func(s Session) { cart.Set(s, tea); cart.UpdateOr(s, []string{"pot"}, add) }, nil, cart, []string{"tea", "tea"}},
		"Set":                 {func(s Session) { cart.Set(s, tea) }, nil, cart, tea},
		"Delete":              {func(s Session) { cart.Delete(s) }, nil, cart, nil},
		"another name":        {func(s Session) { cart2.Update(s, add) }, nil, cart2, tea},
		"another value":       {func(s Session) { color.Set(s, "red") }, nil, cart, nil},
	} {
		b := newBrowser(t, newManager(t, new(memory.Store), Config{}))
		b.do(func(s Session) { before.Set(s, "a book"); visits.Set(s, 7) })
		if err := b.attempt(c.do); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
		b.do(func(s Session) {
			if got := c.read.Get(s); !slices.Equal(got, c.have) || visits.Get(s) != 7 {
				t.Errorf("%s: got %q, want %q; the other value is %d", name, got, c.have, visits.Get(s))
			}
		})
	}
}

// TestUpdateOrRunsAgain: RPT-33, SEC-30. UpdateOr runs again on what another request has saved, as Update does.
func TestUpdateOrRunsAgain(t *testing.T) {
	t.Parallel()
	const n Key[int] = "n"
	b := newBrowser(t, newManager(t, new(memory.Store), Config{}))
	b.do(func(s Session) { Key[string]("n").Set(s, "old") })
	one, two := b.start(), b.start()
	for _, r := range []*request{one, two} {
		n.UpdateOr(r.s, 10, func(n int) int { return n + 1 })
		if _, err := r.end(); err != nil {
			t.Fatal(err)
		}
	}
	b.do(func(s Session) {
		if n.Get(s) != 12 {
			t.Errorf("got %d, want 12", n.Get(s))
		}
	})
}

// TestCorruptIsLogged: RPT-34. A value that cannot be decoded, and values that cannot be opened, are logged, once a second at
// most, with the session and the value's name, and without the value or a token.
func TestCorruptIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		db := new(memory.Store)
		c := Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}
		var events int
		c.Observe = func(_ context.Context, e Event) {
			if e.Kind == ValueCorrupt {
				events++
			}
		}
		b := newBrowser(t, newManager(t, db, c))
		b.do(func(s Session) { Key[string]("cart").Set(s, "private"); Key[string]("other").Set(s, "private") })
		_, token, _ := strings.Cut(b.cookie, "=")
		read := func(s Session) {
			_ = Key[int]("cart").Get(s)
			_ = Key[int]("cart").Get(s)
			_ = Key[int]("other").Get(s)
		}
		for range 5 {
			b.do(read)
		}
		if n := strings.Count(log.String(), "\n"); n != 1 || events != 10 || !strings.Contains(log.String(), "cart") || !strings.Contains(log.String(), b.id().String()) {
			t.Errorf("%d events, %d lines: %s", events, n, &log)
		}
		time.Sleep(time.Second)
		b.do(read)
		if n := strings.Count(log.String(), "\n"); n != 2 || !strings.Contains(log.String(), "before\"=9") {
			t.Errorf("%d lines: %s", n, &log)
		}
		time.Sleep(time.Second)
		log.Reset()
		c.Keys = [][]byte{newKey()}
		b.m = newManager(t, db, c)
		b.do(read)
		if !strings.Contains(log.String(), "key") {
			t.Errorf("values that cannot be opened: %q", &log)
		}
		if strings.Contains(log.String(), "private") || strings.Contains(log.String(), token) {
			t.Error("the log holds the value, or the token")
		}
	})
}
