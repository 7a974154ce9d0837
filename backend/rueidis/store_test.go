package rueidisstore

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

func TestConfig(t *testing.T) {
	t.Parallel()
	c, err := Config{}.withDefaults()
	if err != nil || c.Prefix != DefaultPrefix || c.Timeout != 2*time.Second || c.Logger == nil {
		t.Errorf("the zero value: got %+v, %v", c, err)
	}
	for field, c := range map[string]Config{
		"Prefix":  {Prefix: "a{b}"},
		"Prefix ": {Prefix: "a*"},
		"Timeout": {Timeout: -1},
	} {
		if _, err := Open(t.Context(), "redis://127.0.0.1:1", c); err == nil || !strings.Contains(err.Error(), strings.TrimSpace(field)) {
			t.Errorf("%+v: got %v, want an error with %s", c, err, field)
		}
	}
	if _, err := New(t.Context(), nil, Config{}); err == nil {
		t.Error("New takes no client")
	}
	if _, err := Open(t.Context(), "redis://user:MARKER@127.0.0.1:1", Config{}); err == nil || strings.Contains(err.Error(), "MARKER") {
		t.Errorf("Open without a server: got %v, want an error without the password", err)
	}
}

func TestEvicts(t *testing.T) {
	t.Parallel()
	for info, want := range map[string]string{
		"# Memory\r\nmaxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\n":    "noeviction",
		"# Memory\r\nmaxmemory:100\r\nmaxmemory_policy:allkeys-lru\r\n":  "allkeys-lru",
		"# Memory\r\nmaxmemory:100\r\nmaxmemory_policy:noeviction\r\n":   "noeviction",
		"# Memory\r\nmaxmemory:100\r\n":                                  "",
		"":                                                               "",
		"maxmemory_human:0B\nmaxmemory_policy:volatile-ttl\nmaxmemory:1": "volatile-ttl",
	} {
		if got := evicts(info); got != want {
			t.Errorf("%q: got %q, want %q", info, got, want)
		}
	}
}

// A late context is one whose deadline has passed, though its timer has not fired yet.
type late struct{ context.Context }

func (late) Err() error { return nil }

// TestFail: what ended a call is the caller's deadline, also where the connection's own timer was first, and no timeout of
// this package's.
func TestFail(t *testing.T) {
	t.Parallel()
	s := &Store{}
	passed, cancel := context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for what, c := range map[string]struct {
		ctx  context.Context
		want error
	}{
		"a deadline":                      {passed, context.DeadlineExceeded},
		"a deadline that was not noticed": {late{passed}, context.DeadlineExceeded},
		"canceled":                        {canceled, context.Canceled},
		"none":                            {t.Context(), nil},
	} {
		err := s.fail(c.ctx, "load", context.DeadlineExceeded)
		if !errors.Is(err, store.ErrUnavailable) || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", what, err, c.want)
		}
		if c.want == nil && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)) {
			t.Errorf("%s: got %v, which the caller's context has not said", what, err)
		}
	}
}
