package session

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// turns lets the requests of this process that save one session do so one after the other, in the order in which they came,
// once they have met in a conflict. Without it, of n requests that save at once one gets through in each round, and n rounds
// cost n² writes. A request that meets no other one never looks here.
type turns struct {
	mu     sync.Mutex
	queues map[ID]*queue // of sessions whose turn a request has
}

type queue struct {
	has     *turn     // whose it is
	waiting list.List // of chan *turn with room for one; the first one is next
	row     int       // turns since the last pause
}

// A turn is the right to save a session, among the requests of this process.
type turn struct {
	id     ID
	tries  int           // conflicts with other processes in it
	began  time.Time     // when it was asked for
	got    time.Time     // when it was granted
	handed *store.Record // as the previous turn has stored it; nil: unknown. It saves a read, and is as good: a save compares the version
	pause  time.Duration // is to be made before the next write
}

const (
	// turnsInRow is how many turns may follow one another without a pause. A process that hands the record on writes once a
	// round trip, and another one, which has to read it first, would never get in between.
	turnsInRow = 16
	maxPause   = 100 * time.Millisecond
	// turnLease is how long a request keeps the turn where others wait: its connection may hang, and theirs not. As a save
	// compares the version, it does no harm when two think that they have it.
	turnLease = time.Second
)

// take waits for the turn to save a session.
func (t *turns) take(ctx context.Context, id ID) (*turn, error) {
	began := time.Now()
	t.mu.Lock()
	q := t.queues[id]
	if q == nil {
		if t.queues == nil {
			t.queues = map[ID]*queue{}
		}
		n := &turn{id: id, began: began, got: began}
		t.queues[id] = &queue{has: n}
		t.mu.Unlock()
		return n, nil
	}
	granted := make(chan *turn, 1)
	place := q.waiting.PushBack(granted)
	lease := time.NewTimer(turnLease - began.Sub(q.has.got))
	t.mu.Unlock()
	defer lease.Stop()
	for {
		var n *turn
		select {
		case n = <-granted:
		case <-lease.C:
			n = t.seize(q, place, lease)
		case <-ctx.Done():
			t.leave(q, place)
			return nil, ctx.Err()
		}
		if n != nil {
			n.began = began
			return n, nil
		}
	}
}

// seize gives the turn to the one who waits at place, if the one who has it had it for long. It sets the timer otherwise.
func (t *turns) seize(q *queue, place *list.Element, lease *time.Timer) *turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	granted := place.Value.(chan *turn)
	select {
	case n := <-granted: // meanwhile
		return n
	default:
	}
	now := time.Now()
	if left := turnLease - now.Sub(q.has.got); left > 0 {
		lease.Reset(left)
		return nil
	}
	q.waiting.Remove(place)
	q.has = &turn{id: q.has.id, got: now}
	return q.has
}

// leave takes the one who waits at place out of the queue.
func (t *turns) leave(q *queue, place *list.Element) {
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case n := <-place.Value.(chan *turn): // meanwhile
		t.next(q, n, n.handed)
	default:
		q.waiting.Remove(place)
	}
}

// pass gives the turn to the next request, and with it the record as the last one has stored it; nil if that is not known.
func (t *turns) pass(last *turn, stored *store.Record) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if q := t.queues[last.id]; q != nil && q.has == last { // else it was seized
		t.next(q, last, stored)
	}
}

// next is pass with t.mu.
func (t *turns) next(q *queue, last *turn, stored *store.Record) {
	first := q.waiting.Front()
	if first == nil {
		delete(t.queues, last.id)
		return
	}
	q.waiting.Remove(first)
	now := time.Now()
	n := &turn{id: last.id, got: now, handed: stored}
	q.has = n
	if q.row++; q.row == turnsInRow {
		q.row, n.pause = 0, min(2*now.Sub(last.got), maxPause)
	}
	first.Value.(chan *turn) <- n
}

// errBusy is of a request whose turn has not come in time. It has not waited for a transaction of its own.
var errBusy = errors.New("too many requests change this session")

// giveWay is called after a conflict: it waits for the turn, or, with the turn, for the requests of other processes.
func (h *handle) giveWay(ctx context.Context) error {
	var err error
	if h.turn == nil || h.turn.id != h.id {
		h.endTurn(false)
		if h.turn, err = h.m.turns.take(ctx, h.id); err == nil && h.turn.pause > 0 {
			err = wait(ctx, h.turn.pause)
		}
	} else {
		err = wait(ctx, h.turn.backOff(ctx))
		h.turn.tries++
	}
	if err != nil {
		return fmt.Errorf("session: save: %w: %w", ErrUnavailable, errBusy)
	}
	return nil
}

// endTurn passes the turn on, if the request has one. done says that base is in the store.
func (h *handle) endTurn(done bool) {
	last := h.turn
	if last == nil {
		return
	}
	h.turn = nil
	var stored *store.Record
	if done && h.base != nil && h.base.ID == last.id {
		r := *h.base // of which the request may still write the fields
		stored = &r
	}
	h.m.turns.pass(last, stored)
}

// handedOn returns the record that the previous turn has left, once, if it is later than version. One that has expired is not
// believed: a touch, which changes no version, may have kept it alive.
func (h *handle) handedOn(version int64) *store.Record {
	if h.turn == nil || h.turn.handed == nil {
		return nil
	}
	r := h.turn.handed
	h.turn.handed = nil
	if r.Version <= version || !r.Live(now()) {
		return nil
	}
	return r
}
