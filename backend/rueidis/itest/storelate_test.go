package itest

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	rueidisstore "github.com/qsessions/qsessions/backend/rueidis"
	"github.com/qsessions/qsessions/core/store"
)

// TestLateWrites: CVE-11. A server that stood still carries out what it was sent long after the client has given up, and in
// any order: what was removed meanwhile stays removed, and a session that so comes into being is not out of reach.
func TestLateWrites(t *testing.T) {
	evalsha := func(request []byte) bool { return bytes.Contains(request, []byte("EVALSHA")) }
	for what, c := range map[string]struct {
		user string                    // of the session that is there
		held func(request []byte) bool // the request that is late
		call func(s store.Store, r *store.Record) error
		back bool // it may be there after that, in reach
	}{
		"Save":  {"ann", evalsha, func(s store.Store, r *store.Record) error { return s.Save(t.Context(), r) }, false},
		"Touch": {"ann", evalsha, func(s store.Store, r *store.Record) error { return s.Touch(t.Context(), r, touch(r)) }, false},
		"Create": {"", func(request []byte) bool { return bytes.Contains(request, []byte("\r\nSET\r\n")) }, func(s store.Store, r *store.Record) error {
			*r = *session("ann")
			return s.Create(t.Context(), r)
		}, true},
		"Save that binds": {"", func(request []byte) bool {
			return evalsha(request) && bytes.HasSuffix(request, []byte("$1\r\n1\r\n")) // the second one, that may change the user
		}, func(s store.Store, r *store.Record) error {
			r.User, r.AuthenticatedAt = "ann", r.CreatedAt
			return s.Save(t.Context(), r)
		}, true},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			name := prefix()
			side, whole := client(t, redisURL(t)), openStore(t, redisURL(t), rueidisstore.Config{Prefix: name})
			var holds, lost atomic.Bool
			held, release := make(chan struct{}), make(chan struct{})
			p := &proxy{rewrite: func(request []byte) []byte {
				if !c.held(request) || !holds.CompareAndSwap(true, false) {
					return request
				}
				lost.Store(true)
				close(held)
				<-release
				return append(bytes.Clone(request), "*3\r\n$3\r\nSET\r\n$"+strconv.Itoa(len(name)+4)+"\r\n"+name+"done\r\n$1\r\n1\r\n"...)
			}, reply: func(_ int, reply []byte) ([]byte, bool) {
				if lost.Load() { // the client has not sent the SET
					return nil, false
				}
				return reply, true
			}}
			startProxy(t, p, testserverAddr(t))
			goOn := sync.OnceFunc(func() { close(release) })
			t.Cleanup(goOn)
			s := openStore(t, "redis://"+p.addr, rueidisstore.Config{Prefix: name})
			for _, warm := range []string{"Save", "Touch"} { // the server knows the scripts then
				if err := everything(whole, create(t, whole, session("bob")))[warm](t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			r := create(t, whole, session(c.user))
			holds.Store(true)
			wantError(t, what, c.call(s, r), store.ErrUnavailable)
			select {
			case <-held:
			case <-time.After(2 * busy):
				t.Fatal("the request has not come")
			}
			ids := deleteUser(t, whole, "ann")
			if !c.back && !slices.Contains(ids, r.ID) {
				t.Errorf("DeleteUser names %v, want %v too", ids, r.ID)
			}
			goOn()
			await(t, "the late command is done", func() bool {
				n, err := command(t, side, "EXISTS", name+"done").AsInt64()
				return n == 1 && err == nil
			})
			if !c.back {
				gone(t, whole, r.ID)
			} else if rs := listed(t, whole, store.Query{User: "ann"}); len(rs) != 1 || rs[0].ID != r.ID {
				t.Errorf("%d sessions are listed, want the late one", len(rs))
			}
			if ids := deleteUser(t, whole, "ann"); !slices.Contains(ids, r.ID) {
				t.Errorf("second DeleteUser names %v, want %v too", ids, r.ID)
			}
			gone(t, whole, r.ID)
		})
	}
}

// TestLostReplies: CVE-20. What was done though the answer got lost is unavailable, and a second try does no harm.
func TestLostReplies(t *testing.T) {
	name, server := prefix(), ownRedis(t)
	whole := openStore(t, "redis://"+server.Addr, rueidisstore.Config{Prefix: name})
	known := session("bob") // from here on the server knows the scripts: the answer that gets lost is not that it does not
	create(t, whole, known)
	wantError(t, "Touch", whole.Touch(t.Context(), known, touch(known)), nil)
	wantError(t, "Save", whole.Save(t.Context(), known), nil)
	wantError(t, "Delete", whole.Delete(t.Context(), known.ID), nil)
	deleteUser(t, whole, "bob")
	var cut atomic.Int64
	p := &proxy{reply: func(_ int, reply []byte) ([]byte, bool) {
		if cut.Add(-1) == 0 {
			return nil, false
		}
		return reply, true
	}}
	startProxy(t, p, server.Addr)
	s := openStore(t, "redis://"+p.addr, rueidisstore.Config{Prefix: name})
	for what, second := range map[string]error{"Create": store.ErrExists, "Save": store.ErrConflict, "Touch": store.ErrConflict, "Delete": nil} {
		r := session("ann")
		if what != "Create" {
			create(t, s, r)
		}
		before := r.Clone()
		call := map[string]func() error{
			"Create": func() error { return s.Create(t.Context(), r) },
			"Save":   func() error { return s.Save(t.Context(), r) },
			"Touch":  func() error { return s.Touch(t.Context(), r, touch(before)) },
			"Delete": func() error { return s.Delete(t.Context(), r.ID) },
		}[what]
		if cut.Store(1); what == "Create" {
			cut.Store(2) // the first one is the index
		}
		wantError(t, what, call(), store.ErrUnavailable)
		if r.Version != before.Version || !r.LastSeen.Equal(before.LastSeen) {
			t.Errorf("%s: the record has changed: %+v", what, r)
		}
		wantError(t, what+", second try", call(), second)
		got, err := whole.Load(t.Context(), r.ID)
		switch what {
		case "Delete":
			wantError(t, "Load", err, store.ErrNotFound)
		case "Touch":
			if err != nil || !got.LastSeen.Equal(touch(before).LastSeen) {
				t.Errorf("%s: got %+v, %v", what, got, err)
			}
		default:
			if err != nil || got.Version != before.Version+1 {
				t.Errorf("%s: got %+v, %v", what, got, err)
			}
		}
	}
	deleteUser(t, whole, "ann")

	for n := int64(1); ; n++ {
		user := "user" + strings.Repeat("x", int(n))
		ids := created(t, s, user, 250)
		slices.SortFunc(ids, compareIDs)
		cutoff := time.Now().Add(time.Second).UTC().Truncate(time.Microsecond)
		cut.Store(n)
		named, err := s.DeleteUser(t.Context(), user, cutoff)
		done := cut.Swap(0) > 0
		if err != nil && !errors.Is(err, store.ErrUnavailable) {
			t.Fatal(err)
		}
		for _, id := range ids {
			if _, err := whole.Load(t.Context(), id); err != nil && !slices.Contains(named, id) {
				t.Fatalf("DeleteUser without its answer %d does not name %v, which is gone", n, id)
			}
		}
		again, err := s.DeleteUser(t.Context(), user, cutoff)
		if slices.SortFunc(again, compareIDs); err != nil || !slices.Equal(again, ids) {
			t.Fatalf("second DeleteUser: got %d sessions, %v; want %d", len(again), err, len(ids))
		}
		if at, err := whole.Cutoff(t.Context(), user); err != nil || !at.Equal(cutoff) {
			t.Fatalf("Cutoff: got %v, %v; want %v", at, err, cutoff)
		}
		if done {
			t.Logf("%d answers were lost, one at a time", n-1)
			return
		}
	}
}
