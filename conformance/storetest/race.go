package storetest

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/qsessions/qsessions/conformance/internal/harness"
	"github.com/qsessions/qsessions/core/store"
)

// writers is how many goroutines take part in a race of equals.
const writers = 8

// either reports any error but those that a lost race may have.
func (e *env) either(what string, err error, lost ...error) {
	want := "none"
	for _, l := range append(lost, nil) {
		if errors.Is(err, l) {
			return
		}
		if l != nil {
			want = harness.Sentinel(l) + " or none"
		}
	}
	e.Errorf("%s: got error %s, want %s", what, harness.Sentinel(err), want)
}

// winner lets all writers call f at once, and returns the one whose call succeeded. There must be exactly one, and the
// others must get lost.
func (e *env) winner(what string, lost error, f func(i int) error) int {
	var won, last atomic.Int64
	fs := make([]func(), writers)
	for i := range fs {
		fs[i] = func() {
			err := f(i)
			e.either(what, err, lost)
			if err == nil {
				won.Add(1)
				last.Store(int64(i))
			}
		}
	}
	e.Together(fs...)
	if won.Load() != 1 {
		e.Errorf("%d of %d concurrent calls of %s succeeded, want exactly one", won.Load(), writers, what)
	}
	e.Still()
	return int(last.Load())
}

func raceCases() []Case {
	return []Case{
		{Name: "race/create-create", Why: "Create never replaces a record: of many that create one id at once, exactly one succeeds.", run: func(e *env) {
			e.Round(func() {
				rs := make([]*store.Record, writers)
				id := e.id()
				for i := range rs {
					rs[i] = e.record()
					rs[i].ID = id
				}
				w := e.winner("Create", store.ErrExists, func(i int) error { return e.s.Create(e.ctx, rs[i]) })
				e.stored(rs[w])
			})
		}},
		{Name: "race/save-save", Why: "Save replaces the record if its version is still r.Version: of many writers of one version exactly one succeeds.", run: func(e *env) {
			e.Round(func() {
				r := e.create(e.record())
				rs := e.copies(r)
				w := e.winner("Save", store.ErrConflict, func(i int) error { return e.s.Save(e.ctx, rs[i]) })
				if rs[w].Version != 2 {
					e.Fatalf("got version %d after a Save, want 2", rs[w].Version)
				}
				e.stored(rs[w])
			})
		}},
		{Name: "race/save-all-counted", Why: "A Save that is retried after ErrConflict loses nothing: with several writers every acknowledged change is there.", run: func(e *env) {
			each := min(e.Rounds, 25)
			e.AtLeast(1, func() {
				r := e.record()
				r.Data = []byte{0}
				e.create(r)
				fs := make([]func(), 4)
				for i := range fs {
					fs[i] = func() {
						for range each {
							e.count(r.ID)
						}
					}
				}
				e.Together(fs...)
				e.Still()
				if got, want := e.get(r.ID), len(fs)*each; int(got.Data[0]) != want || got.Version != int64(want)+1 {
					e.Fatalf("got %d of %d acknowledged changes, and version %d", got.Data[0], want, got.Version)
				}
			})
		}},
		{Name: "race/touch-touch", Why: "Touch changes the record that is still at r.LastSeen: of many that touch one copy exactly one succeeds.", run: func(e *env) {
			e.Round(func() {
				r := e.create(e.record())
				rs := e.copies(r)
				w := e.winner("Touch", store.ErrConflict, func(i int) error {
					return e.s.Touch(e.ctx, rs[i], e.touch(r, time.Duration(i+1)*time.Second))
				})
				want := touched(r, e.touch(r, time.Duration(w+1)*time.Second))
				e.same("Touch", rs[w], touched(rs[w], e.touch(r, time.Duration(w+1)*time.Second)))
				e.stored(want)
			})
		}},
		{Name: "race/touch-save", Why: "A touch never disturbs a Save, and one that comes second changes nothing.", run: func(e *env) {
			e.Round(func() {
				r := e.create(e.record())
				saving := r.Clone()
				saving.Data, saving.ExpiresAt = []byte("saved"), e.in(time.Minute)
				var saved atomic.Bool
				fs := []func(){func() {
					defer saved.Store(true)
					if err := e.s.Save(e.ctx, saving); err != nil {
						e.Errorf("Save against Touch: got error %s, want none", harness.Sentinel(err))
					}
				}}
				for range 4 {
					c := r.Clone()
					fs = append(fs, func() { e.keepTouching(c, &saved) })
				}
				e.Together(fs...)
				e.Still()
				e.stored(saving)
			})
		}},
		{Name: "race/save-delete", Why: "No Save brings a removed record back: saved and deleted at once, it is gone.", run: func(e *env) {
			e.Round(func() {
				r := e.create(e.record())
				rs := e.copies(r)
				fs := []func(){func() { e.either("Delete", e.s.Delete(e.ctx, r.ID)) }}
				for _, c := range rs[:3] {
					fs = append(fs, func() { e.either("Save against Delete", e.s.Save(e.ctx, c), store.ErrConflict) })
				}
				e.Together(fs...)
				e.Still()
				e.gone(r.ID)
			})
		}},
		{Name: "race/touch-delete", Why: "No Touch brings a removed record back: touched and deleted at once, it is gone.", run: func(e *env) {
			e.Round(func() {
				r := e.create(e.record())
				rs := e.copies(r)
				fs := []func(){func() { e.either("Delete", e.s.Delete(e.ctx, r.ID)) }}
				for i, c := range rs[:3] {
					fs = append(fs, func() {
						e.either("Touch against Delete", e.s.Touch(e.ctx, c, e.touch(r, time.Duration(i+1)*time.Second)), store.ErrConflict)
					})
				}
				e.Together(fs...)
				e.Still()
				e.gone(r.ID)
			})
		}},
		{Name: "race/delete-delete", Why: "Neither unknown ids nor a second Delete are an error: overlapping ones at once neither fail nor wait for each other.", run: func(e *env) {
			e.Round(func() {
				a, b, c := e.record(), e.record(), e.record()
				e.create(a, b, c)
				e.Together(
					func() { e.either("Delete", e.s.Delete(e.ctx, a.ID, b.ID, c.ID)) },
					func() { e.either("Delete", e.s.Delete(e.ctx, c.ID, b.ID, a.ID)) },
					func() { e.either("Delete", e.s.Delete(e.ctx, b.ID, c.ID)) },
				)
				e.Still()
				e.gone(a.ID)
				e.gone(b.ID)
				e.gone(c.ID)
			})
		}},
		{Name: "race/everything", Why: "Every method is safe for concurrent use.", run: func(e *env) {
			rs := make([]*store.Record, 4)
			ann := e.user("ann")
			for i := range rs {
				rs[i] = e.create(e.bound(ann, e.now))
			}
			fresh := make([][]*store.Record, writers)
			for i := range fresh {
				for range e.Rounds {
					fresh[i] = append(fresh[i], e.bound(ann, e.now))
				}
			}
			fs := make([]func(), writers)
			for i := range fs {
				fs[i] = func() {
					for n, r := range fresh[i] {
						e.anything(i+n, rs[(i*5+n)%len(rs)].ID, r)
					}
				}
			}
			e.Together(fs...)
		}},
	}
}

// count saves the record of id with one more in Data, however often that takes.
func (e *env) count(id store.ID) {
	for e.Err() == nil {
		c, err := store.LoadFresh(e.ctx, e.s, id)
		if err != nil {
			e.Errorf("Load: %v", err)
			return
		}
		if len(c.Data) != 1 {
			e.Errorf("Load: got %d bytes of Data, want 1", len(c.Data))
			return
		}
		c.Data[0]++
		err = e.s.Save(e.ctx, c)
		if e.either("Save", err, store.ErrConflict); err == nil {
			return
		}
	}
}

// keepTouching touches c, of version 1, again and again until it is saved: it takes a Touch in the very middle of a Save
// to disturb that.
func (e *env) keepTouching(c *store.Record, saved *atomic.Bool) {
	for range 100 {
		err := e.s.Touch(e.ctx, c, e.touch(c, time.Second))
		e.either("Touch against Save", err, store.ErrConflict)
		if saved.Load() {
			return
		}
		if err == nil {
			continue
		}
		if c, err = store.LoadFresh(e.ctx, e.s, c.ID); err != nil || c == nil || c.Version != 1 {
			return // saved; what a Load must answer is another case's business
		}
	}
}

// copies returns copies of r that differ in Data.
func (e *env) copies(r *store.Record) []*store.Record {
	rs := make([]*store.Record, writers)
	for i := range rs {
		rs[i] = r.Clone()
		rs[i].Data = fmt.Appendf(nil, "writer %d", i)
	}
	return rs
}

// anything does one of everything; errors that a lost race explains are none.
func (e *env) anything(n int, id store.ID, fresh *store.Record) {
	r, err := e.s.Load(e.ctx, id)
	e.either("Load", err, store.ErrNotFound)
	switch kind := n % 8; {
	case kind == 0:
		e.either("Create", e.s.Create(e.ctx, fresh))
	case kind == 1:
		e.either("Create", e.s.Create(e.ctx, fresh))
		e.either("Delete", e.s.Delete(e.ctx, fresh.ID))
	case r != nil && kind == 2:
		e.either("Touch", e.s.Touch(e.ctx, r, e.touch(r, time.Second)), store.ErrConflict)
	case r != nil && kind == 3:
		e.either("Save", e.s.Save(e.ctx, r), store.ErrConflict)
	case e.x != nil && kind == 4:
		for _, err := range e.x.List(e.ctx, store.Query{User: fresh.User, Limit: 20}) {
			e.either("List", err)
		}
	case e.x != nil && kind == 5 && n%3 == 0:
		_, err := e.x.DeleteUser(e.ctx, fresh.User, e.in(time.Second), id)
		e.either("DeleteUser", err)
	case e.x != nil && kind == 6:
		_, err := e.x.Cutoff(e.ctx, fresh.User)
		e.either("Cutoff", err)
	case e.x != nil && kind == 7:
		_, err := e.x.Sweep(e.ctx, e.in(-time.Hour), 10)
		e.either("Sweep", err)
	}
}
