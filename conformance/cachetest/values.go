package cachetest

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/qsessions/qsessions/conformance/internal/harness"
	"github.com/qsessions/qsessions/core/store"
)

func valueCases() []Case {
	return []Case{
		{Name: "values/empty", Why: "Get returns nil only where there is no copy: an empty one is one.", run: func(e *env) {
			for _, copy := range [][]byte{nil, {}} {
				id := e.id()
				e.ok("Put", e.c.Put(e.ctx, id, e.lease(id), copy, ttl))
				e.full(id, "")
			}
		}},
		{Name: "values/binary", Why: "Copies are opaque: a cache neither reads nor changes them.", run: func(e *env) {
			for name, b := range harness.Blobs(10_000) {
				if len(b) > 0 {
					e.keeps(name, b)
				}
			}
		}},
		{Name: "values/large", Why: "A cache keeps copies of a mebibyte, or of as much as it promises.", run: func(e *env) {
			n := 1 << 20
			if e.config.MaxCopy > 0 {
				n = e.config.MaxCopy
			}
			e.keeps(fmt.Sprintf("%d bytes", n), harness.Noise(n))
		}},
		{Name: "values/like-leases", Why: "Copies are opaque: one that looks like what the cache itself puts into a slot is a copy.", run: func(e *env) {
			id := e.id()
			t := e.lease(id)
			for first := range 257 {
				prefix := []byte{byte(first)}[:min(1, 256-first)] // with 256, none
				for _, form := range forms(t) {
					copy := string(append(bytes.Clone(prefix), form...))
					if copy == "" {
						continue
					}
					e.put(id, t, copy)
					t = e.full(id, copy)
				}
			}
		}},
		{Name: "values/ids", Why: "Each ID has a slot: ids that differ in one bit have two, whatever bytes are in them.", run: func(e *env) {
			base := e.id()
			ids := []store.ID{base}
			for bit := range 128 {
				id := base
				id[bit/8] ^= 1 << (bit % 8)
				ids = append(ids, id)
			}
			for b := 1; b < 256; b++ { // spaces, ends of lines and NULs among them
				ids = append(ids, store.ID(bytes.Repeat([]byte{byte(b)}, 16)), store.ID(append(make([]byte, 15), byte(b))))
			}
			for _, id := range ids {
				e.fill(id, hex.EncodeToString(id[:]))
			}
			for _, id := range ids {
				e.full(id, hex.EncodeToString(id[:]))
			}
			e.delete(base)
			e.lease(base)
			for _, id := range ids[1:] {
				e.holds(id, hex.EncodeToString(id[:]))
			}
		}},
		{Name: "values/namespaces", Needs: NeedNamespaces, Why: "A cache shares nothing with another on the same server: neither copies, nor leases, nor tickets.", run: func(e *env) { // CVE-24
			id := e.id()
			t := e.lease(id)
			b, other := e.get(e.f.Other, id)
			if b != nil || other == 0 {
				e.Fatalf("Get from the other cache: got %s, want no copy and a lease", got(b, other))
			}
			e.want("Put into the other cache with a ticket of this one", e.f.Other.Put(e.ctx, id, t, []byte("refused"), ttl), store.ErrConflict)
			e.ok("Put", e.f.Other.Put(e.ctx, id, other, []byte("other"), ttl))
			e.leased(id)
			e.put(id, t, "this")
			e.ok("Delete", e.f.Other.Delete(e.ctx, id))
			e.full(id, "this")
		}},
	}
}

// forms are what a ticket may look like in a slot, and nothing.
func forms(t store.Ticket) [][]byte {
	return [][]byte{
		nil, binary.BigEndian.AppendUint64(nil, uint64(t)), binary.LittleEndian.AppendUint64(nil, uint64(t)),
		strconv.AppendUint(nil, uint64(t), 10), strconv.AppendUint(nil, uint64(t), 16), fmt.Appendf(nil, "%016x", uint64(t)),
	}
}

// keeps ends the case unless the cache keeps b exactly, in the place of a lease and in that of a copy.
func (e *env) keeps(what string, b []byte) {
	id := e.id()
	for range 2 {
		_, t := e.get(e.c, id)
		e.ok("Put of "+what, e.c.Put(e.ctx, id, t, b, ttl))
		for _, c := range e.clients {
			if g, _ := e.get(c, id); !bytes.Equal(g, b) {
				e.Fatalf("put %s: got %d bytes back, %.40q, want %d, %.40q", what, len(g), g, len(b), b)
			}
		}
	}
}
