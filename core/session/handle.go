package session

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// A carrier is the context of a request, and holds its session. They are two types because both have an Err.
type carrier struct {
	context.Context
	handle handle
}

// Value implements [context.Context].
func (c *carrier) Value(key any) any {
	switch key {
	case contextKey{}, any(c.handle.m):
		return &c.handle
	}
	return c.Context.Value(key)
}

// Format implements [fmt.Formatter].
func (c *carrier) Format(f fmt.State, verb rune) { c.handle.Format(f, verb) }

// handle is the session of one request.
//
// io is held while the store is called and while changes are made, so that a commit sees all of them or none; mu guards
// the fields, and is never held during I/O, nor while code of the application runs. io is taken before mu.
type handle struct {
	m       *Manager
	ctx     context.Context // that carries it, for the observer
	started time.Time

	io sync.Mutex
	mu sync.Mutex

	header []string // borrowed until close
	client Client   // borrowed until close

	used   bool // somebody asked for the session: the response depends on it
	loaded bool
	closed bool // the request has ended
	final  bool // nothing may be changed any more

	passive  atomic.Bool // the request is no use of the session
	withheld bool        // the browser keeps the session's cookie back from a request like this
	abortive bool        // an attempt to end the session has failed
	hung     bool        // the store did not answer the commit in time

	sent atomic.Bool // the response has begun

	id  ID    // of base, or chosen at the first change
	err error // the first problem of a change

	handing handing // what becomes of the client's token
	given   token

	*content // nil until somebody asks for the session: most requests of a site do not
}

// content is the part of a handle that requests need which use their session.
type content struct {
	presented  shown         // the token that this request has shown, or was given
	standing   standing      // of it
	jar        jar           // of the browser
	superseded *found        // the session whose token another request has just replaced
	vouched    bool          // the database has answered for base, not a copy alone
	givenAt    time.Time     // when the token that is handed out was last stored
	borrowed   bool          // plain is another session's of the same user
	refusal    EventKind     // why a token was refused; Created: none was
	base       *store.Record // as stored; nil: nothing is
	secret     secret        // of base
	opened     bool          // plain and plainErr are set
	plain      data          // of base
	plainErr   error
	floorUser  string    // whose sessions this request has revoked
	floor      time.Time // when: its own logins of that user count as not earlier

	work       work
	generation int      // one more with each change
	doubt      *attempt // a write whose outcome is unknown
	turn       *turn    // to save, after a conflict; nil: none

	corrupt []string // names of values that were reported
	events  []Event  // raised when io is free again
}

// use makes that part. Call it with h.mu.
func (h *handle) use() {
	if h.content == nil {
		h.content = new(content)
	}
}

// work is what a commit has to do.
type work struct {
	drop    drop // to be deleted
	login   *login
	rotate  bool
	renew   bool // rotate is of RevokeOthers
	twin    ID   // the session that another request of the client has signed in
	limits  *limits
	changes []change
	view    data // base's values with changes
}

// A drop is a session that is to be deleted.
type drop struct {
	id      ID // zero: none
	user    string
	implied bool   // by a login as another user, not by Logout
	epoch   uint32 // as the request read it
}

// dirty reports whether there is anything to save, beside a deletion. What is not stored yet is stored for a user or a
// value, and for nothing less.
func (h *handle) dirty() bool {
	w := &h.work
	if h.base == nil {
		d, _, _ := h.values()
		return w.login != nil || len(d) > 1
	}
	return w.login != nil || w.rotate || w.limits != nil || len(w.changes) > 0
}

func (h *handle) self() *handle { return h }

// Format implements [fmt.Formatter]: whatever the verb is, only the ID is shown, and no token.
func (h *handle) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "session ", h.ID()) }

// MarshalText implements [encoding.TextMarshaler], for loggers.
func (h *handle) MarshalText() ([]byte, error) { return h.ID().MarshalText() }

// ID implements [Session].
func (h *handle) ID() ID {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.id
}

// name chooses the ID of a session that is about to be. Call it with h.mu.
func (h *handle) name() {
	if h.id.IsZero() {
		h.id = h.m.newID(h.started)
	}
}

// User implements [Session].
func (h *handle) User() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.user()
}

func (h *handle) user() string {
	switch {
	case h.work.login != nil:
		return h.work.login.User
	case h.base != nil:
		return h.base.User
	}
	return ""
}

// Info implements [Session].
func (h *handle) Info() Info {
	h.mu.Lock()
	defer h.mu.Unlock()
	base, client := h.base, h.client.clean()
	if base == nil && !h.dirty() {
		return Info{Current: true, Client: client}
	}
	n, s := h.next(&h.work, base, h.secret, client, now())
	i := infoOf(n, n.ID)
	i.Level, i.Remembered, i.Deadline = s.proofs.level(), s.remember, s.deadline
	return i
}

// Keys implements [Session].
func (h *handle) Keys() iter.Seq[string] {
	return func(yield func(string) bool) {
		d, _, _ := h.read()
		for n := range d.all() {
			if !yield(string(n)) {
				return
			}
		}
	}
}

// Clear implements [Session].
func (h *handle) Clear() {
	d, _, err := h.read()
	if len(d) > 0 || err != nil {
		h.change(change{op: opClear})
	}
}

// Err implements [Session].
func (h *handle) Err() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err
}

// sender returns the client as it may be stored.
func (h *handle) sender() Client {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.client.clean()
}

func (h *handle) ended() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.closed
}

// close ends the request: what was borrowed is given back, and what was not committed is dropped: a login that was not stored
// has not happened.
func (h *handle) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed, h.header, h.client = true, nil, Client{}
	if h.content != nil && (h.work.login != nil || len(h.work.changes) > 0) {
		h.work = work{}
		h.generation++
	}
}

// finish lets nobody change the session any more.
func (h *handle) finish() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.final = true
}

// effect takes what the response must carry, and notes that it begins. It waits for another goroutine's save, whose token
// could not be sent later.
func (h *handle) effect() Effect {
	h.mu.Lock()
	wait := h.loaded && !h.sent.Load()
	h.mu.Unlock()
	if wait {
		h.io.Lock()
		defer h.io.Unlock()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	var e Effect
	if h.used {
		e.Vary = h.m.RequestHeader()
		if h.user() != "" {
			e.Cache = h.m.cacheControl()
		}
	}
	if !h.sent.Load() {
		h.render(&e)
	}
	h.handing, h.given = keeps, token{}
	h.sent.Store(true)
	return e
}

// raise calls the observer for what happened while io was held.
func (h *handle) raise() {
	h.mu.Lock()
	events := h.events
	h.events = nil
	h.mu.Unlock()
	for _, e := range events {
		h.m.observe(h.ctx, e)
	}
}

// note keeps an event until io is free again.
func (h *handle) note(e Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, e)
	switch e.Kind {
	case Expired, TokenReplaced, TokenReplayed, TokenWorn:
		h.refusal = e.Kind
	case UnknownToken:
		if h.refusal == Created {
			h.refusal = e.Kind
		}
	}
}
