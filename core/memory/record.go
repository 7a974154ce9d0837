package memory

import (
	"strings"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// own returns a copy of r that the store may keep: it shares no memory with r. Strings are copied too, as a short one
// may hold on to a long buffer; those that old has already are shared with it.
func own(r, old *store.Record) *store.Record {
	n := clone(r, true, true)
	n.User, n.UserAgent = ownString(r.User, old.User), ownString(r.UserAgent, old.UserAgent)
	return n
}

func ownString(s, old string) string {
	if s == old {
		return old
	}
	return strings.Clone(s)
}

// clone returns a copy of r, with Secret and Data only if they are asked for, both in one allocation. It has no Tag.
func clone(r *store.Record, secret, data bool) *store.Record {
	c := *r
	c.Secret, c.Data, c.Tag = nil, nil, 0
	ns, nd := 0, 0
	if secret {
		ns = len(r.Secret)
	}
	if data {
		nd = len(r.Data)
	}
	if ns+nd == 0 {
		return &c
	}
	b := make([]byte, ns+nd)
	if ns > 0 {
		copy(b, r.Secret)
		c.Secret = b[:ns:ns] // an append must not reach Data
	}
	if nd > 0 {
		copy(b[ns:], r.Data)
		c.Data = b[ns:]
	}
	return &c
}

// A tombstone is what is left of a removed record.
type tombstone struct {
	user            string
	authenticatedAt time.Time
	expiresAt       time.Time
}

// remove leaves a tombstone in the place of id's record, if there is one. The caller holds the lock of sh.
func (s *Store) remove(sh *shard, id store.ID) {
	r := sh.records[id]
	if r == nil {
		return
	}
	t := tombstone{r.User, r.AuthenticatedAt, r.ExpiresAt}
	if sh.removed == nil {
		sh.removed = map[store.ID]tombstone{}
	}
	delete(sh.records, id)
	sh.removed[id] = t
	s.used.add(0, t.size()-size(r))
}
