package session

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// far is a store that is a round trip away.
type far struct {
	hanging
	trip   time.Duration
	writes atomic.Int64
}

func (s *far) call(ctx context.Context, f func() error) error {
	if err := wait(ctx, s.trip/2); err != nil {
		return err
	}
	if err := f(); err != nil {
		_ = wait(ctx, s.trip/2)
		return err
	}
	return wait(ctx, s.trip/2)
}

func (s *far) Load(ctx context.Context, id ID) (r *store.Record, err error) {
	err = s.call(ctx, func() error { r, err = s.hanging.Load(ctx, id); return err })
	return r, err
}

func (s *far) Save(ctx context.Context, r *store.Record) error {
	s.writes.Add(1)
	return s.call(ctx, func() error { return s.hanging.Save(ctx, r) })
}

// visit increments the value in a request of its own.
func visit(ctx context.Context, m *Manager, cookie string) error {
	ctx, _ = m.Start(ctx, Client{}, cookie)
	defer m.Close(ctx)
	s, err := m.From(ctx)
	if err != nil {
		return err
	}
	visits.Update(s, func(n int) int { return n + 1 })
	_, err = m.Commit(ctx)
	return err
}

// TestManyWriters: RPT-23. Hundreds of requests that change one session at once get their turn within StoreTimeout, in one
// process and in several, with few writes more than there are changes, and no change is lost.
func TestManyWriters(t *testing.T) {
	for _, c := range []struct {
		processes, writers int
		most               time.Duration
	}{{1, 1, 11 * time.Millisecond}, {1, 400, 2600 * time.Millisecond}, {2, 400, 4 * time.Second}, {8, 200, 4 * time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			db := &far{trip: 5 * time.Millisecond}
			var ms []*Manager
			for range c.processes {
				ms = append(ms, newManager(t, db, Config{}))
			}
			b := newBrowser(t, ms[0])
			b.do(func(s Session) { s.Login("robot") })
			began := time.Now()
			db.writes.Store(0)
			var wg sync.WaitGroup
			took := make([]time.Duration, c.writers)
			for i := range c.writers {
				wg.Go(func() {
					if err := visit(t.Context(), ms[i%len(ms)], b.cookie); err != nil {
						t.Errorf("%d processes: %v", c.processes, err)
					}
					took[i] = time.Since(began)
				})
			}
			wg.Wait()
			slices.Sort(took)
			if last := took[len(took)-1]; last > c.most {
				t.Errorf("%d processes, %d writers: the last one took %v, want at most %v", c.processes, c.writers, last, c.most)
			}
			t.Logf("%d processes, %d writers: median %v, slowest %v, %d writes", c.processes, c.writers, took[len(took)/2], took[len(took)-1], db.writes.Load())
			if n := db.writes.Load(); n > int64(4*c.writers) {
				t.Errorf("%d processes: %d writes for %d changes", c.processes, n, c.writers)
			}
			b.do(func(s Session) {
				if visits.Get(s) != c.writers {
					t.Errorf("%d processes: %d of %d changes are there", c.processes, visits.Get(s), c.writers)
				}
			})
			for _, m := range ms {
				if len(m.turns.queues) != 0 {
					t.Errorf("%d queues are left", len(m.turns.queues))
				}
			}
		})
	}
}

// TestSteadyWriters: RPT-23. A process that has many writers of a session keeps out neither another one that has few, nor
// those that come later.
func TestSteadyWriters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &far{trip: 5 * time.Millisecond}
		busy, other := newManager(t, db, Config{}), newManager(t, db, Config{})
		b := newBrowser(t, busy)
		b.do(func(s Session) { s.Login("robot") })
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				for ctx.Err() == nil {
					if err := visit(context.Background(), busy, b.cookie); err != nil {
						t.Error(err)
					}
				}
			})
		}
		for range 20 {
			began := time.Now()
			if err := visit(t.Context(), other, b.cookie); err != nil {
				t.Error(err)
			}
			if took := time.Since(began); took > time.Second {
				t.Errorf("a writer of another process took %v", took)
			}
			time.Sleep(37 * time.Millisecond)
		}
		cancel()
		wg.Wait()
	})
}

// TestTurnOfTheGone: RPT-23, RPT-10. Requests that wait for their turn while the store hangs end with their time, and leave
// nothing behind; one that panics passes its turn on.
func TestTurnOfTheGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &far{trip: 5 * time.Millisecond}
		m := newManager(t, db, Config{StoreTimeout: time.Second})
		b := newBrowser(t, m)
		b.do(func(s Session) { s.Login("robot") })
		began := time.Now()
		var wg sync.WaitGroup
		var failed atomic.Int64
		for range 50 {
			wg.Go(func() {
				if err := visit(t.Context(), m, b.cookie); err != nil {
					failed.Add(1)
					if !errors.Is(err, ErrUnavailable) {
						t.Error(err)
					}
				}
			})
		}
		time.Sleep(50 * time.Millisecond)
		db.hang("all")
		wg.Wait()
		if took := time.Since(began); failed.Load() == 0 || took > 1100*time.Millisecond {
			t.Errorf("%d failed, after %v", failed.Load(), took)
		}
		if len(m.turns.queues) != 0 {
			t.Errorf("%d queues are left", len(m.turns.queues))
		}
		db.hang()

		ctx, _ := m.Start(t.Context(), Client{}, b.cookie)
		s, err := m.From(ctx)
		if err != nil {
			t.Fatal(err)
		}
		runs := 0
		visits.Update(s, func(n int) int {
			if runs++; runs > 1 {
				panic("in the turn")
			}
			return n
		})
		b.do(func(s Session) { color.Set(s, "red") }) // a conflict
		func() {
			defer func() { _ = recover() }()
			_, _ = m.Commit(ctx)
		}()
		m.Close(ctx)
		if runs != 2 || len(m.turns.queues) != 0 {
			t.Errorf("after a panic: %d runs, %d queues are left", runs, len(m.turns.queues))
		}
	})
}

// TestTurnOfAHungConnection: RPT-23, RPT-10. A request whose connection hangs keeps the turn for a second, and not until its
// own time has run out: those behind it have other connections.
func TestTurnOfAHungConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &far{trip: 5 * time.Millisecond}
		m := newManager(t, db, Config{})
		b := newBrowser(t, m)
		b.do(func(s Session) { s.Login("robot") })
		var wg sync.WaitGroup
		var failed atomic.Int64
		for range 50 {
			wg.Go(func() {
				if visit(t.Context(), m, b.cookie) != nil {
					failed.Add(1)
				}
			})
		}
		time.Sleep(50 * time.Millisecond)
		db.hang("Save") // of one request alone
		time.Sleep(5 * time.Millisecond)
		db.hang()
		wg.Wait()
		if failed.Load() != 1 || len(m.turns.queues) != 0 {
			t.Errorf("%d of 50 requests failed, want one; %d queues are left", failed.Load(), len(m.turns.queues))
		}
	})
}

// TestTurnThatDidNotCome: RPT-23, RPT-31. A request whose turn does not come in time fails with ErrUnavailable, and its error
// does not send the reader after a transaction.
func TestTurnThatDidNotCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, new(hanging), Config{StoreTimeout: turnLease - time.Millisecond})
		b := signedIn(t, m, "alice", 1)[0]
		r := b.start()
		color.Set(r.s, "red")
		b.do(func(s Session) { color.Set(s, "blue") }) // a conflict
		held, err := m.turns.take(t.Context(), b.id())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.end(); !errors.Is(err, ErrUnavailable) || !errors.Is(err, errBusy) || strings.Contains(err.Error(), "transaction") {
			t.Errorf("got %v", err)
		}
		m.turns.pass(held, nil)
		if len(m.turns.queues) != 0 {
			t.Errorf("%d queues are left", len(m.turns.queues))
		}
	})
}

// TestTurnOfATouchedSession: RPT-23. A session that another request has kept alive since the previous turn stored it is not
// taken for an expired one.
func TestTurnOfATouchedSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := new(hanging)
		m := newManager(t, db, Config{})
		b := signedIn(t, m, "alice", 1)[0]
		time.Sleep(20 * time.Minute)
		r := b.start()
		color.Set(r.s, "red")
		first, err := m.turns.take(t.Context(), b.id())
		if err != nil {
			t.Fatal(err)
		}
		b.do(func(s Session) { visits.Set(s, 1) }) // a conflict
		stored, err := db.Load(t.Context(), b.id())
		if err != nil {
			t.Fatal(err)
		}
		stored.ExpiresAt = time.Now()
		var done sync.WaitGroup
		done.Go(func() { _, err = r.end() })
		synctest.Wait()
		m.turns.pass(first, stored)
		done.Wait()
		if err != nil {
			t.Error(err)
		}
		b.do(func(s Session) {
			if color.Get(s) != "red" || visits.Get(s) != 1 {
				t.Errorf("got %q, %d", color.Get(s), visits.Get(s))
			}
		})
	})
}

// TestTurnThatWasGranted: RPT-23. A request whose time ends while it waits leaves the queue, and one whose time ends just as
// its turn comes passes that on.
func TestTurnThatWasGranted(t *testing.T) {
	for i := range 50 {
		synctest.Test(t, func(t *testing.T) {
			var all turns
			id := ID{1}
			held, err := all.take(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			var second atomic.Bool
			for _, ctx := range []context.Context{ctx, t.Context()} {
				go func() {
					n, err := all.take(ctx, id)
					if err != nil {
						return
					}
					second.Store(ctx.Err() == nil)
					all.pass(n, nil)
				}()
				synctest.Wait()
			}
			cancel()
			if i%2 == 0 {
				synctest.Wait()
			}
			all.pass(held, nil)
			synctest.Wait()
			if len(all.queues) != 0 || !second.Load() {
				t.Errorf("%d queues are left; the second one had its turn: %t", len(all.queues), second.Load())
			}
		})
	}
}
