package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/qsessions/qsessions/conformance/internal/harness"
	"github.com/qsessions/qsessions/core/store"
)

// env is what a case works with.
type env struct {
	harness.Trial

	ctx    context.Context
	s      store.Store
	x      store.Indexed // nil if s is not
	keeper store.Keeper  // nil if s is not
	f      Fixture
	c      Config
	now    time.Time // when the case began, in whole seconds
	made   int       // ids
	users  map[string]string
}

// lacks reports whether a promise is not kept. Only the cases of promise say so: one fault, one violation.
func (e *env) lacks(n Need) bool {
	_, cached := e.s.(store.Cached)
	return n&NeedIndexed != 0 && e.x == nil || n&NeedKeeper != 0 && e.keeper == nil || n&NeedCached != 0 && (!cached || e.f.Behind == nil) ||
		n&NeedUsers != 0 && (e.f.User == nil || e.f.Nobody == "")
}

// want ends the case unless err matches target; nil stands for no error.
func (e *env) want(what string, err, target error) {
	if !errors.Is(err, target) {
		e.Fatalf("%s: got error %s, want %s", what, harness.Sentinel(err), harness.Sentinel(target))
	}
}

// ok ends the case if err is not nil.
func (e *env) ok(what string, err error) { e.want(what, err, nil) }

// in returns the time d after the case began.
func (e *env) in(d time.Duration) time.Time { return e.now.Add(d) }

// id returns a new id, later than all before.
func (e *env) id() store.ID {
	e.made++
	return store.NewID(e.now.Add(time.Duration(e.made) * time.Millisecond))
}

// user returns the store's id for the user of that name, who becomes known.
func (e *env) user(name string) string {
	if e.f.User == nil {
		return name
	}
	if id, ok := e.users[name]; ok {
		return id
	}
	id, err := e.f.User(e.ctx, name)
	e.ok("Fixture.User", err)
	e.users[name] = id
	return id
}

// record returns a record that is not stored yet: anonymous, and live for an hour.
func (e *env) record() *store.Record {
	id := e.id()
	return &store.Record{
		ID: id, CreatedAt: e.now, LastSeen: e.now, ExpiresAt: e.in(time.Hour), IP: netip.MustParseAddr("192.0.2.7"),
		UserAgent: "Mozilla/5.0 (X11; Linux x86_64)", Secret: fmt.Appendf(nil, "secret %d", e.made), Data: fmt.Appendf(nil, "data %d", e.made),
	}
}

// bound is record for a user who was asked for credentials at the given time.
func (e *env) bound(user string, at time.Time) *store.Record {
	r := e.record()
	r.User, r.AuthenticatedAt = user, at
	return r
}

// create stores records and returns the first.
func (e *env) create(rs ...*store.Record) *store.Record {
	for _, r := range rs {
		e.ok("Create", e.s.Create(e.ctx, r))
	}
	return rs[0]
}

// many stores n records that f makes, eight at a time.
func (e *env) many(n int, f func(i int) *store.Record) []*store.Record {
	rs := make([]*store.Record, n)
	for i := range rs {
		rs[i] = f(i)
	}
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			defer e.Recovered()
			for i := w; i < n; i += 8 {
				if err := e.s.Create(e.ctx, rs[i]); err != nil {
					e.Errorf("Create: %v", err)
					return
				}
			}
		})
	}
	wg.Wait()
	e.Still()
	return rs
}

// get returns what the store itself has of id.
func (e *env) get(id store.ID) *store.Record {
	r, err := store.LoadFresh(e.ctx, e.s, id)
	e.ok("Load", err)
	if r == nil {
		e.Fatalf("Load: got no record and no error")
	}
	return r
}

// stored ends the case unless the store has exactly want.
func (e *env) stored(want *store.Record) {
	if d := diff(e.get(want.ID), want); d != "" {
		e.Fatalf("the stored record is not as expected: %s", d)
	}
}

// gone ends the case if the store has a record of id.
func (e *env) gone(id store.ID) {
	_, err := e.s.Load(e.ctx, id)
	e.want("Load of a record that must not be there", err, store.ErrNotFound)
}

// same ends the case if got is not as it was.
func (e *env) same(what string, got, want *store.Record) {
	if d := diff(got, want); d != "" {
		e.Fatalf("%s: the caller's record has changed: %s", what, d)
	}
}

// list returns what q selects.
func (e *env) list(q store.Query) []*store.Record {
	var rs []*store.Record
	for r, err := range e.x.List(e.ctx, q) {
		if err != nil {
			e.Errorf("List: %v", err)
			break
		}
		rs = append(rs, r)
	}
	e.Still()
	return rs
}

// lists ends the case unless q selects exactly want, in any order.
func (e *env) lists(what string, q store.Query, want ...*store.Record) {
	if g, w := names(newest(e.list(q)...)), names(newest(want...)); g != w {
		e.Fatalf("%s: got records %s, want %s", what, g, w)
	}
}

// ordered ends the case unless q selects exactly want, in that order.
func (e *env) ordered(what string, q store.Query, want ...*store.Record) {
	if g, w := names(e.list(q)), names(want); g != w {
		e.Fatalf("%s: got records %s, want %s", what, g, w)
	}
}

// drain sweeps until nothing is left, and returns how many records were forgotten.
func (e *env) drain(before time.Time) int {
	for sum := 0; ; {
		n, err := e.x.Sweep(e.ctx, before, 100)
		e.ok("Sweep", err)
		if n == 0 {
			return sum
		}
		sum += n
	}
}

// names returns the ends of the ids, which is where those of one case differ.
func names(rs []*store.Record) string {
	var b strings.Builder
	for i, r := range rs {
		if i == 20 {
			fmt.Fprintf(&b, " and %d more", len(rs)-i)
			break
		}
		fmt.Fprintf(&b, " %x", r.ID[4:6])
		fmt.Fprintf(&b, "-%x", r.ID[14:])
	}
	return "[" + strings.TrimSpace(b.String()) + "]"
}

// diff says in which fields got is not want; it is empty if they are equal. Tag is the store's, and not compared.
func diff(got, want *store.Record) string {
	var d []string
	differ := func(field string, g, w any) {
		d = append(d, fmt.Sprintf("%s: got %.99s, want %.99s", field, fmt.Sprint(g), fmt.Sprint(w)))
	}
	if got.ID != want.ID {
		differ("ID", got.ID, want.ID)
	}
	if got.Version != want.Version {
		differ("Version", got.Version, want.Version)
	}
	if got.User != want.User {
		differ("User", fmt.Sprintf("%q", got.User), fmt.Sprintf("%q", want.User))
	}
	for _, t := range []struct {
		field string
		g, w  time.Time
	}{
		{"AuthenticatedAt", got.AuthenticatedAt, want.AuthenticatedAt}, {"CreatedAt", got.CreatedAt, want.CreatedAt},
		{"LastSeen", got.LastSeen, want.LastSeen}, {"ExpiresAt", got.ExpiresAt, want.ExpiresAt},
	} {
		if !t.g.Equal(t.w) {
			differ(t.field, t.g, t.w)
		}
	}
	if got.IP != want.IP {
		differ("IP", got.IP, want.IP)
	}
	if got.UserAgent != want.UserAgent {
		differ("UserAgent", fmt.Sprintf("%q", got.UserAgent), fmt.Sprintf("%q", want.UserAgent))
	}
	if !bytes.Equal(got.Secret, want.Secret) {
		differ("Secret", fmt.Sprintf("%d bytes %.60q", len(got.Secret), got.Secret), fmt.Sprintf("%d bytes %.60q", len(want.Secret), want.Secret))
	}
	if !bytes.Equal(got.Data, want.Data) {
		differ("Data", fmt.Sprintf("%d bytes %.60q", len(got.Data), got.Data), fmt.Sprintf("%d bytes %.60q", len(want.Data), want.Data))
	}
	return strings.Join(d, "; ")
}

func compareIDs(a, b store.ID) int { return bytes.Compare(a[:], b[:]) }
