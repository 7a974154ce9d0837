package cachetest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// server is a small cache that is right unless it has a fault. Where a fault is a gap between two steps, the server itself
// waits in the gap for what must not come between, so that races are lost every time.
type server struct {
	fault string

	mu      sync.Mutex
	slots   map[string]*slot
	counter uint64
	reply   []byte // that nobody has read

	calls         atomic.Int64 // that are not done
	gets, puts    atomic.Int64 // calls that have ended
	deletes, news atomic.Int64
	lost          atomic.Int64 // calls that were canceled
}

type slot struct {
	copy   []byte
	full   bool
	ticket store.Ticket
	ttl    time.Duration
	end    time.Time
}

// naive is a client of a server.
type naive struct {
	*server
	namespace string
	number    uint64 // of the client
	attempts  atomic.Uint64
}

var errNotFound = errors.New("naive: not found")

func newServer(fault string) *server {
	return &server{fault: fault, slots: map[string]*slot{}, counter: 1000}
}

func (s *server) client(namespace string) *naive {
	return &naive{server: s, namespace: namespace, number: uint64(s.news.Add(1))}
}

func (s *server) has(fault string) bool { return s.fault == fault }

func (s *server) restart(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.has("keeps copies over a restart") {
		return nil
	}
	for key, old := range s.slots {
		if old.full || !s.has("remembers leases over a restart") {
			delete(s.slots, key)
		}
	}
	if s.has("counts anew after a restart") {
		s.counter = 0
	}
	return nil
}

// begin takes the lock.
func (n *naive) begin(ctx context.Context) (end func(done *atomic.Int64), err error) {
	if err := ctx.Err(); err != nil && !n.has("swallows cancellation") && !n.has("acts, then sees that it is canceled") {
		n.lost.Add(1)
		if n.has("calls a done context unavailable") {
			return nil, store.ErrUnavailable
		}
		return nil, err
	}
	n.calls.Add(1)
	switch {
	case n.has("loses the connections of canceled calls") && n.lost.Load() > 15,
		n.has("serves one at a time") && !n.mu.TryLock():
		n.calls.Add(-1)
		return nil, store.ErrUnavailable
	case n.has("serves one at a time"):
		for range 50 {
			runtime.Gosched()
		}
	default:
		n.mu.Lock()
	}
	return func(done *atomic.Int64) {
		done.Add(1)
		n.mu.Unlock()
		n.calls.Add(-1)
	}, nil
}

func (n *naive) late(ctx context.Context, err error) error {
	if n.has("acts, then sees that it is canceled") && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// gap opens the lock in the middle of a call until n changes, or nobody else has come for a while.
func (s *server) gap(n *atomic.Int64) {
	was := n.Load()
	s.mu.Unlock()
	for i, alone := 0, 0; i < 3000 && alone < 300 && n.Load() == was; i++ {
		if alone++; s.calls.Load() > 1 {
			alone = 0
		}
		runtime.Gosched()
	}
	s.mu.Lock()
}

func (n *naive) key(id store.ID) string {
	switch b := id[:]; {
	case n.has("folds the case of ids"):
		for i, c := range b {
			if 'A' <= c && c <= 'Z' {
				b[i] = c | 0x20
			}
		}
		return n.namespace + string(b)
	case n.has("ignores the last bit of ids"):
		b[15] &^= 1
		return n.namespace + string(b)
	case n.has("has one namespace"):
		return string(b)
	default:
		return n.namespace + string(b)
	}
}

// at returns what is in a slot, or nil if it is empty.
func (n *naive) at(key string) *slot {
	s := n.slots[key]
	if s == nil || !s.end.After(time.Now()) && !(s.full && n.has("keeps copies for ever") || !s.full && n.has("keeps leases for ever")) {
		return nil
	}
	return s
}

// ticket returns a new one, for a copy or a lease.
func (n *naive) ticket(s *slot) store.Ticket {
	n.counter++
	switch {
	case n.has("has a ticket for each client") && !s.full:
		return store.Ticket(n.number)
	case n.has("counts leases in each client") && !s.full:
		return store.Ticket(n.attempts.Add(1))
	case n.has("has a ticket for each content") && s.full:
		h := fnv.New64a()
		h.Write(s.copy)
		return store.Ticket(h.Sum64())
	case n.has("keeps the ticket of the slot") && s.ticket != 0:
		return s.ticket
	}
	return store.Ticket(n.counter)
}

func (n *naive) lease(key string) *slot {
	s := &slot{end: time.Now().Add(5 * time.Second)}
	if n.has("ends leases at once") {
		s.end = time.Now().Add(time.Second / 2)
	}
	s.ticket = n.ticket(s)
	n.slots[key] = s
	return s
}

func (n *naive) Get(ctx context.Context, id store.ID) ([]byte, store.Ticket, error) {
	end, err := n.begin(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer end(&n.gets)
	key := n.key(id)
	s := n.at(key)
	if s == nil {
		switch {
		case n.has("looks, then leases"):
			n.gap(&n.gets)
		case n.has("gives no ticket for an empty slot"):
			n.lease(key)
			return nil, 0, nil
		}
		return nil, n.lease(key).ticket, n.late(ctx, nil)
	}
	if !s.full {
		switch {
		case n.has("leases again"):
			return nil, n.lease(key).ticket, nil
		case n.has("gives a lease to everybody"):
			return nil, s.ticket, nil
		case n.has("prolongs leases on Get"):
			s.end = time.Now().Add(5 * time.Second)
		}
		return nil, 0, n.late(ctx, nil)
	}
	t := s.ticket
	switch {
	case n.has("gives no ticket for a copy"):
		t = 0
	case n.has("prolongs copies on Get"):
		s.end = time.Now().Add(s.ttl)
	case n.has("gives each reader its own ticket"):
		s.ticket = n.ticket(s)
		t = s.ticket
	case n.has("takes what begins with an L for a lease") && bytes.HasPrefix(s.copy, []byte("L")):
		return nil, 0, nil
	case n.has("takes an empty copy for none") && len(s.copy) == 0:
		return nil, t, nil
	case n.has("hands out what it keeps"):
		return s.copy, t, nil
	case n.has("swaps replies"):
		return n.swapped(s.copy), t, nil
	case n.has("leaves the replies of canceled calls in the connection"):
		b, err := n.connection(ctx, s.copy)
		return b, t, err
	}
	return append([]byte{}, s.copy...), t, n.late(ctx, nil)
}

// swapped returns the reply of a call that came meanwhile.
func (n *naive) swapped(reply []byte) []byte {
	reply = bytes.Clone(reply)
	if n.reply != nil {
		reply, n.reply = n.reply, reply
		return reply
	}
	n.reply = reply
	n.gap(&n.gets)
	reply, n.reply = n.reply, nil
	return reply
}

// connection gives the next call the reply of one that was canceled while it waited.
func (n *naive) connection(ctx context.Context, reply []byte) ([]byte, error) {
	n.mu.Unlock()
	for range 200 {
		if ctx.Err() != nil {
			break
		}
		runtime.Gosched()
	}
	n.mu.Lock()
	reply = bytes.Clone(reply)
	if err := ctx.Err(); err != nil {
		n.reply = reply
		return nil, err
	}
	if n.reply != nil {
		reply, n.reply = n.reply, nil
	}
	return reply, nil
}

func (n *naive) Put(ctx context.Context, id store.ID, t store.Ticket, copy []byte, ttl time.Duration) error {
	end, err := n.begin(ctx)
	if err != nil {
		return err
	}
	defer end(&n.puts)
	key := n.key(id)
	if len(copy) > maxCopy {
		switch {
		case n.has("forgets the slot of what is too large"):
			delete(n.slots, key)
		case n.has("cuts what is too large"):
			copy = copy[:maxCopy]
		case n.has("calls what is too large a conflict"):
			return store.ErrConflict
		}
		if !n.has("cuts what is too large") {
			return store.ErrTooLarge
		}
	}
	s := n.at(key)
	if !n.accepts(s, t) {
		return n.late(ctx, n.conflict(s, key, copy, ttl))
	}
	switch {
	case n.has("checks, then puts"):
		n.gap(&n.puts)
	case n.has("checks, then puts what was deleted meanwhile"):
		n.gap(&n.deletes)
		if now := n.at(key); now != nil && now != s {
			return store.ErrConflict
		}
	case n.has("stores nothing"):
		return nil
	}
	return n.late(ctx, n.store(s, key, copy, ttl))
}

// accepts reports whether t is the ticket of s.
func (n *naive) accepts(s *slot, t store.Ticket) bool {
	switch {
	case n.has("puts without a look at the ticket"):
		return true
	case n.has("accepts the zero ticket") && t == 0:
		return true
	case n.has("adds"):
		return t != 0 && (s == nil || !s.full)
	case n.has("fills what is empty") && s == nil:
		return t != 0
	case n.has("fills any lease") && s != nil && !s.full:
		return t != 0
	case n.has("replaces any copy") && s != nil && s.full:
		return t != 0
	case n.has("compares half of a ticket") && s != nil:
		return uint32(t) == uint32(s.ticket)
	case n.has("accepts the ticket of another slot") && s != nil:
		for _, o := range n.slots {
			if o.ticket == t {
				return true
			}
		}
		return false
	}
	return s != nil && t != 0 && s.ticket == t
}

// conflict is what a Put with a wrong ticket does.
func (n *naive) conflict(s *slot, key string, copy []byte, ttl time.Duration) error {
	switch {
	case n.has("empties the slot of a refused Put"):
		delete(n.slots, key)
	case n.has("prolongs copies on a refused Put") && s != nil && s.full:
		s.end = time.Now().Add(ttl)
	case n.has("tells data in errors"):
		return fmt.Errorf("%w: %q", store.ErrConflict, copy)
	case n.has("calls a conflict unavailable"):
		return store.ErrUnavailable
	case n.has("says nothing of a conflict"):
		return nil
	}
	return store.ErrConflict
}

func (n *naive) store(old *slot, key string, copy []byte, ttl time.Duration) error {
	s := &slot{copy: append([]byte{}, copy...), full: true, ttl: ttl, end: time.Now().Add(ttl)}
	if old != nil && n.has("keeps the ticket of the slot") {
		s.ticket = old.ticket
	}
	switch {
	case n.has("keeps what it was given"):
		s.copy = copy
	case n.has("ends copies at a NUL"):
		s.copy, _, _ = bytes.Cut(s.copy, []byte{0})
	case n.has("cuts copies at 64 KiB"):
		s.copy = s.copy[:min(len(s.copy), 64<<10)]
	case n.has("keeps the end of the slot") && old != nil:
		s.end = old.end
	case n.has("keeps the end of the copy") && old != nil && old.full:
		s.end = old.end
	case n.has("takes a long ttl for a date") && ttl > 30*24*time.Hour:
		s.end = time.Now()
	case n.has("rounds a tiny ttl to none") && ttl < time.Second:
		s.end = time.Now().Add(time.Hour)
	case n.has("refuses a tiny ttl") && ttl < time.Millisecond:
		return errors.New("naive: invalid expire time")
	case n.has("writes copies in two steps") && old != nil && len(old.copy) == len(copy):
		s.copy = append(bytes.Clone(copy[:len(copy)/2]), old.copy[len(copy)/2:]...)
		n.slots[key] = s
		s.ticket = n.ticket(s)
		n.gap(&n.gets)
		s.copy = bytes.Clone(copy)
		return nil
	}
	s.ticket = n.ticket(s)
	n.slots[key] = s
	return nil
}

func (n *naive) Delete(ctx context.Context, ids ...store.ID) error {
	end, err := n.begin(ctx)
	if err != nil {
		return err
	}
	defer end(&n.deletes)
	switch {
	case n.has("deletes the first id"):
		ids = ids[:min(len(ids), 1)]
	case n.has("deletes a batch of 1000"):
		ids = ids[:min(len(ids), 1000)]
	case n.has("deletes everything"):
		clear(n.slots)
	case n.has("sorts the ids that it was given"):
		slices.SortFunc(ids, func(a, b store.ID) int { return bytes.Compare(a[:], b[:]) })
	}
	for _, id := range ids {
		key := n.key(id)
		s := n.at(key)
		switch {
		case s == nil && n.has("fails to delete what is not there"):
			return errNotFound
		case s != nil && !s.full && n.has("keeps leases on Delete"):
			continue
		case s != nil && n.has("leaves a lease on Delete"):
			n.slots[key] = &slot{ticket: s.ticket, end: time.Now().Add(5 * time.Second)}
			continue
		}
		delete(n.slots, key)
	}
	return n.late(ctx, nil)
}
