package session

import (
	"errors"
	"fmt"
	"slices"
)

// value returns the encoded value of name as this request sees it.
func (h *handle) value(name string) ([]byte, bool) {
	d, _, _ := h.read()
	return d.get(name)
}

// read is values without a lock, and raises the event if they cannot be read.
func (h *handle) read() (d data, generation int, err error) {
	h.mu.Lock()
	d, err, first := h.values()
	generation = h.generation
	h.mu.Unlock()
	if err != nil && first {
		h.reportCorrupt("", err)
	}
	return d, generation, err
}

// reportCorrupt raises the event once for each name: an observer may read the value itself.
func (h *handle) reportCorrupt(name string, err error) {
	h.mu.Lock()
	known := slices.Contains(h.corrupt, name)
	if !known {
		h.corrupt = append(h.corrupt, name)
	}
	h.mu.Unlock()
	if known {
		return
	}
	h.m.observe(h.ctx, Event{Kind: ValueCorrupt, ID: h.ID(), User: h.User(), Reason: name, Err: err})
	h.m.logCorrupt(h.ctx, h.ID(), err)
}

// values returns the values with this request's changes. Stored data that cannot be read counts as none; first is true
// when that is found out. Call it with h.mu.
func (h *handle) values() (d data, err error, first bool) {
	if len(h.work.changes) > 0 {
		return h.work.view, nil, false
	}
	if h.base != nil && !h.opened {
		h.opened, first = true, true
		h.plain, h.plainErr = h.m.seal.open(h.base.ID, h.base.Data)
	}
	return h.plain, h.plainErr, first
}

// change records c and applies it to what this request sees.
func (h *handle) change(c change) {
	_, _, _ = h.read()
	h.edit(func() { h.record(c, nil) })
}

// update is change for a function, which runs without a lock, so that it may read the session.
func (h *handle) update(c change) {
	for range 100 {
		d, generation, err := h.read()
		if err != nil {
			h.fail(err)
			return
		}
		view, err := c.apply(d)
		if err != nil {
			h.fail(err)
			return
		}
		same := true
		h.edit(func() {
			if same = h.generation == generation; same {
				h.record(c, view)
			}
		})
		if same {
			return
		}
	}
	h.fail(fmt.Errorf("session: update %q: the session changes all the time, or the function changes it", c.name))
}

// record appends c to the delta; view is its result if that is known. Call it with h.io and h.mu.
func (h *handle) record(c change, view data) {
	if c.op != opClear && !goodName(c.name) {
		h.setErr(fmt.Errorf("session: %.140q is not a name for a value", c.name))
		return
	}
	d, err, _ := h.values()
	if err != nil && c.op != opClear {
		h.setErr(err) // a wrong key must not wipe everybody's values
		return
	}
	if view == nil {
		if view, err = c.apply(d); err != nil {
			h.setErr(err)
			return
		}
	}
	if len(view) > h.m.cfg.MaxData {
		h.setErr(fmt.Errorf("session: value %q: %w", c.name, ErrTooLarge))
		return
	}
	h.work.view, h.work.changes = view, append(h.work.changes, c)
	h.generation++
	h.name()
}

// edit runs f, which changes the session, with h.io and h.mu; or not, if the request has ended.
func (h *handle) edit(f func()) {
	if id, ok := h.tryEdit(f); !ok { // without a lock: a logger may look at the session
		h.m.cfg.Logger.Error("session changed after its request ended", "session", id)
	}
}

func (h *handle) tryEdit(f func()) (id ID, ok bool) {
	h.io.Lock()
	defer h.io.Unlock()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || h.final {
		h.setErr(ErrClosed)
		return h.id, false
	}
	f()
	return h.id, true
}

func (h *handle) fail(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.setErr(err)
}

// setErr keeps the first problem. Call it with h.mu.
func (h *handle) setErr(err error) {
	if h.err == nil || errors.Is(err, ErrClosed) {
		h.err = err
	}
}
