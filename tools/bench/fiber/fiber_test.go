package main

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofiber/fiber/v3"
	"github.com/valyala/fasthttp"

	"github.com/qsessions/qsessions/core/memory"
	"github.com/qsessions/qsessions/core/session"
)

// TestRaces: CVE-1. What two requests change at once is kept, and nobody comes back after a logout; the same checks find
// what Fiber's own middleware loses, which is everything.
func TestRaces(t *testing.T) {
	t.Parallel()
	mine, err := newOurs(new(memory.Store), session.Policy{TouchEvery: time.Microsecond})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		l              library
		pairs, logouts int
		want           losses
	}{
		"this library": {mine, pairs, logouts, losses{}},
		"Fiber's own":  {theirs{}, 100, 20, losses{100, 20, 20}},
	} {
		got, err := races(t.Context(), c.l, c.pairs, c.logouts)
		if err != nil || got != c.want {
			t.Errorf("%s: got %+v, %v; want %+v", name, got, err, c.want)
		}
	}
}

// TestCalls: SEC-17. Store calls and rows of each request; those of Fiber's own middleware beside them.
func TestCalls(t *testing.T) {
	t.Parallel()
	db := &counted{Indexed: new(memory.Store)}
	mine, err := newOurs(db, session.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	storage := new(countedStorage)
	this, own := newApp(mine, newRace()).Handler(), newApp(theirs{storage}, newRace()).Handler()
	calls := func(h fasthttp.RequestHandler, path, cookie string) [2]int64 {
		before := [2]int64{db.calls.Load(), storage.calls.Load()}
		c, err := newRequest(path, cookie)
		if err != nil {
			t.Fatal(err)
		}
		if h(c); c.Response.StatusCode() != 200 {
			t.Fatal(unexpected(path, c.Response.StatusCode(), c.Response.Body()))
		}
		return [2]int64{db.calls.Load() - before[0], storage.calls.Load() - before[1]}
	}
	for _, path := range []string{"/untouched", "/show/key5"} {
		for range 100 {
			if got := calls(this, path, ""); got != [2]int64{} {
				t.Errorf("%s without a cookie: %d store calls, want 0", path, got[0])
			}
			calls(own, path, "")
		}
	}
	if rows, err := db.rows(t.Context()); err != nil || rows != 0 {
		t.Errorf("%d rows for visitors, %v; want 0", rows, err)
	}
	if got := storage.rows(); got != 200 {
		t.Errorf("Fiber's own: %d rows for 200 visitors, want one each: what is measured has changed", got)
	}
	known, err := create(this)
	if err != nil {
		t.Fatal(err)
	}
	theirsKnown, err := create(own)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int64{"/untouched": 0, "/read": 1, "/modify": 2} {
		if got := calls(this, path, known); got[0] != want {
			t.Errorf("%s: %d store calls, want %d", path, got[0], want)
		}
		if got := calls(own, path, theirsKnown); got[1] != 2 {
			t.Errorf("Fiber's own: %s: %d calls, want 2: what is measured has changed", path, got[1])
		}
	}
}

// A countedStorage is a storage of Fiber in memory that counts the calls.
type countedStorage struct {
	fiber.Storage // what the middleware does not call
	calls         atomic.Int64
	values        sync.Map
}

func (s *countedStorage) GetWithContext(_ context.Context, key string) ([]byte, error) {
	s.calls.Add(1)
	v, _ := s.values.Load(key)
	b, _ := v.([]byte)
	return b, nil
}

func (s *countedStorage) SetWithContext(_ context.Context, key string, v []byte, _ time.Duration) error {
	s.calls.Add(1)
	s.values.Store(strings.Clone(key), bytes.Clone(v))
	return nil
}

func (s *countedStorage) rows() (n int) {
	for range s.values.Range {
		n++
	}
	return n
}
