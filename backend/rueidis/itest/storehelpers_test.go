package itest

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/rueidis"

	rueidisstore "github.com/qsessions/qsessions/backend/rueidis"
	"github.com/qsessions/qsessions/core/store"
)

// openStore opens a store, by default with a prefix of its own.
func openStore(tb testing.TB, url string, c rueidisstore.Config) *rueidisstore.Store {
	tb.Helper()
	if c.Prefix == "" {
		c.Prefix = prefix()
	}
	if c.Timeout == 0 {
		c.Timeout = busy
	}
	s, err := rueidisstore.Open(tb.Context(), url, c)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { s.Close() })
	return s
}

// storeOver makes a store over a client of the test's.
func storeOver(tb testing.TB, c rueidis.Client, prefix string) *rueidisstore.Store {
	tb.Helper()
	return storeOf(tb, c, rueidisstore.Config{Prefix: prefix})
}

func storeOf(tb testing.TB, client rueidis.Client, c rueidisstore.Config) *rueidisstore.Store {
	tb.Helper()
	c.Timeout = busy
	s, err := rueidisstore.New(tb.Context(), client, c)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func recordKey(prefix string, id store.ID) string { return prefix + "s1:" + id.String() }
func indexKey(prefix, user string) string         { return prefix + "u1:{" + encoded(user) + "}:i" }
func cutoffKey(prefix, user string) string        { return prefix + "u1:{" + encoded(user) + "}:c" }
func encoded(user string) string                  { return base64.RawURLEncoding.EncodeToString([]byte(user)) }

// session returns a record that is not stored yet; user "" is anonymous.
func session(user string) *store.Record {
	now := time.Now().UTC().Truncate(time.Microsecond)
	r := &store.Record{ID: store.NewID(now), User: user, CreatedAt: now, LastSeen: now, ExpiresAt: now.Add(time.Hour), UserAgent: "test", Secret: []byte("secret"), Data: []byte("data")}
	if user != "" {
		r.AuthenticatedAt = now
	}
	return r
}

func create(tb testing.TB, s store.Store, rs ...*store.Record) *store.Record {
	tb.Helper()
	for _, r := range rs {
		if err := s.Create(tb.Context(), r); err != nil {
			tb.Fatal(err)
		}
	}
	return rs[0]
}

// created stores sessions of a user.
func created(tb testing.TB, s store.Store, user string, n int) (ids []store.ID) {
	tb.Helper()
	for range n {
		ids = append(ids, create(tb, s, session(user)).ID)
	}
	return ids
}

func listed(tb testing.TB, s store.Indexed, q store.Query) (rs []*store.Record) {
	tb.Helper()
	for r, err := range s.List(tb.Context(), q) {
		if err != nil {
			tb.Fatal(err)
		}
		rs = append(rs, r)
	}
	return rs
}

// deleteUser removes all of the user's sessions up to now.
func deleteUser(tb testing.TB, s store.Indexed, user string) []store.ID {
	tb.Helper()
	ids, err := s.DeleteUser(tb.Context(), user, time.Now().Add(time.Second).UTC())
	if err != nil {
		tb.Fatal(err)
	}
	return ids
}

func gone(tb testing.TB, s store.Store, id store.ID) {
	tb.Helper()
	if _, err := s.Load(tb.Context(), id); !errors.Is(err, store.ErrNotFound) {
		tb.Errorf("Load: got %v, want ErrNotFound", err)
	}
}

func touch(r *store.Record) store.Touch {
	return store.Touch{LastSeen: r.LastSeen.Add(time.Second), ExpiresAt: r.ExpiresAt.Add(time.Second), IP: r.IP, UserAgent: r.UserAgent}
}

// everything calls each method once; r is stored.
func everything(s store.Indexed, r *store.Record) map[string]func(ctx context.Context) error {
	return map[string]func(ctx context.Context) error{
		"Load":   func(ctx context.Context) error { _, err := s.Load(ctx, r.ID); return err },
		"Create": func(ctx context.Context) error { return s.Create(ctx, session(r.User)) },
		"Save":   func(ctx context.Context) error { return s.Save(ctx, r.Clone()) },
		"Touch":  func(ctx context.Context) error { return s.Touch(ctx, r.Clone(), touch(r)) },
		"Delete": func(ctx context.Context) error { return s.Delete(ctx, newID()) },
		"List": func(ctx context.Context) error {
			for _, err := range s.List(ctx, store.Query{User: r.User}) {
				return err
			}
			return nil
		},
		"DeleteUser": func(ctx context.Context) error { _, err := s.DeleteUser(ctx, r.User, r.CreatedAt); return err },
		"Cutoff":     func(ctx context.Context) error { _, err := s.Cutoff(ctx, r.User); return err },
		"Sweep":      func(ctx context.Context) error { _, err := s.Sweep(ctx, r.CreatedAt.Add(-time.Hour), 10); return err },
	}
}

var errCrash = errors.New("crashed")

// A crashing client sends no more than so many requests.
type crashing struct {
	rueidis.Client
	left atomic.Int64
}

func (c *crashing) Do(ctx context.Context, cmd rueidis.Completed) rueidis.RedisResult {
	if c.left.Add(-1) < 0 {
		return rueidis.NewErrorResult(errCrash)
	}
	return c.Client.Do(ctx, cmd)
}

func (c *crashing) DoMulti(ctx context.Context, cmds ...rueidis.Completed) []rueidis.RedisResult {
	if c.left.Add(-1) < 0 {
		results := make([]rueidis.RedisResult, len(cmds))
		for i := range results {
			results[i] = rueidis.NewErrorResult(errCrash)
		}
		return results
	}
	return c.Client.DoMulti(ctx, cmds...)
}

// A counting client counts round trips and commands, those to one node of a Cluster apart.
type counting struct {
	rueidis.Client
	trips, commands atomic.Int64
}

func (c *counting) Do(ctx context.Context, cmd rueidis.Completed) rueidis.RedisResult {
	c.trips.Add(1)
	c.commands.Add(1)
	return c.Client.Do(ctx, cmd)
}

func (c *counting) DoMulti(ctx context.Context, cmds ...rueidis.Completed) []rueidis.RedisResult {
	c.trips.Add(1)
	c.commands.Add(int64(len(cmds)))
	return c.Client.DoMulti(ctx, cmds...)
}

func (c *counting) count(f func()) int64 {
	before := c.trips.Load()
	f()
	return c.trips.Load() - before
}

func compareIDs(a, b store.ID) int { return bytes.Compare(a[:], b[:]) }
