package session

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// TestOpenTransaction: RPT-31. An error of a request that has waited for the store in vain says what it may have waited for,
// whether the time of the call ran out or the database gave up before; an outage that is told at once does not.
func TestOpenTransaction(t *testing.T) {
	busy := fmt.Errorf("%w: database is locked", store.ErrUnavailable)
	for name, c := range map[string]struct {
		hang string
		fail error // of Save, after a while
		wait time.Duration
		do   func(r *request) error
		hint bool
	}{
		"a value":           {"Save", nil, 0, func(r *request) error { color.Set(r.s, "red"); _, err := r.end(); return err }, true},
		"Save":              {"Save", nil, 0, func(r *request) error { color.Set(r.s, "red"); return r.s.Save(r.ctx) }, true},
		"Save, no change":   {"Load", nil, 0, func(r *request) error { return r.s.Save(r.ctx) }, true},
		"login":             {"Save", nil, 0, func(r *request) error { r.s.Login("alice"); _, err := r.end(); return err }, true},
		"logout":            {"Delete", nil, 0, func(r *request) error { r.s.Logout(); _, err := r.end(); return err }, true},
		"locked":            {"", busy, time.Second, func(r *request) error { color.Set(r.s, "red"); _, err := r.end(); return err }, true},
		"the server is out": {"", busy, 0, func(r *request) error { color.Set(r.s, "red"); _, err := r.end(); return err }, false},
		"load": {"Load", nil, 0, func(r *request) error {
			ctx, _ := r.b.m.Start(context.Background(), r.b.client, r.b.cookie)
			defer r.b.m.Close(ctx)
			_, err := r.b.m.From(ctx)
			return err
		}, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			db := new(lockable)
			b := signedIn(t, newManager(t, db, Config{}), "alice", 1)[0]
			r := b.start()
			db.hang(c.hang)
			db.fail, db.after = c.fail, c.wait
			err := c.do(r)
			if !errors.Is(err, ErrUnavailable) || strings.Contains(fmt.Sprint(err), "transaction") != c.hint {
				t.Errorf("%s: got %v", name, err)
			}
		})
	}
}

// lockable is a store whose Save fails after a while.
type lockable struct {
	hanging
	fail  error
	after time.Duration
}

func (s *lockable) Save(ctx context.Context, r *store.Record) error {
	if s.fail != nil {
		time.Sleep(s.after)
		return s.fail
	}
	return s.hanging.Save(ctx, r)
}
