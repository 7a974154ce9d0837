package session

import (
	"encoding/binary"
	"hash/maphash"
	"sync"

	"github.com/qsessions/qsessions/core/store"
)

// changes remembers which changes of clients were reported: a change is seen at each load until it is written, and is
// reported once. It forgets when there are many; then a change may be reported again.
type changes struct {
	mu   sync.Mutex
	seed maphash.Seed
	last []reported // by a hash of the session's ID; nil until there was a change
}

type reported struct {
	id     ID
	client uint64
}

const maxChanges = 4096

// first reports whether the change of a session to the client is a new one.
func (c *changes) first(id ID, client Client) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last == nil {
		c.seed, c.last = maphash.MakeSeed(), make([]reported, maxChanges)
	}
	n := reported{id, maphash.Comparable(c.seed, client)}
	at := &c.last[binary.BigEndian.Uint16(id[14:])%maxChanges]
	if *at == n {
		return false
	}
	*at = n
	return true
}

// noticeClient reports that the session is used by another client than the record has. Call it with h.mu.
func (h *handle) noticeClient() {
	r, c := h.base, &h.client
	if h.m.cfg.Observe == nil || r.IP == c.IP && (c.UserAgent == "" || r.UserAgent == c.UserAgent) {
		return // the common case, without allocating
	}
	clean := c.clean()
	n := store.Record{IP: r.IP, UserAgent: clean.stored(r.UserAgent)}
	if clean.IP.IsValid() {
		n.IP = clean.IP
	}
	n.ID, n.User = r.ID, r.User
	h.reportClient(r, &n)
}

// reportClient reports the change from one record of a session to another, once. Call it with h.mu.
func (h *handle) reportClient(old, r *store.Record) {
	if changed(old, r) && h.m.clients.first(r.ID, clientOf(r)) {
		h.events = append(h.events, Event{Kind: ClientChanged, ID: r.ID, User: r.User})
	}
}

// noteClient is reportClient without a lock.
func (h *handle) noteClient(old, r *store.Record) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reportClient(old, r)
}
