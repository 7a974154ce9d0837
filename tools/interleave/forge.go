package interleave

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// An authenticated copy is: a form, the name of the key and a salt; the time until which it is good, and the record; a nonce and
// a code.
const (
	headSize = 1 + 4 + 16
	tailSize = 12 + 16
)

// forge puts a copy into slot S that says another user: all that an intruder can do who knows everything but the key. It has
// the form and the code of the copy that is there, if there is one.
func (r *run) forge() error {
	return r.do(command{name: "an intruder writes a copy", cache: true, writes: true, effect: func() footprint {
		f := footprint{read: rowS | slotS, wrote: slotS}
		n := own(&r.db.rows[r.db.find(r.id)].Record)
		n.User = other
		b, tail := append([]byte{3}, make([]byte, headSize-1)...), make([]byte, tailSize)
		if i, ok := r.slots.get(r.id); ok && i.copy != nil {
			b, tail = slices.Clone(i.copy[:headSize]), slices.Clone(i.copy[len(i.copy)-tailSize:])
		}
		b = binary.BigEndian.AppendUint64(b, uint64(time.Now().Add(Freshness).UnixMicro()))
		stamp := r.slots.nonce()
		if r.c.Cache == Memcached {
			r.slots.cas++
			stamp = r.slots.cas
		}
		r.slots.items[r.id] = item{copy: append(store.AppendRecord(b, &n.Record), tail...), stamp: stamp, until: time.Now().Add(Freshness + Skew)}
		return f
	}})
}
