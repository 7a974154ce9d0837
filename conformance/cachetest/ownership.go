package cachetest

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/qsessions/qsessions/core/store"
)

func ownershipCases() []Case {
	return []Case{
		{Name: "ownership/put", Why: "A cache does not keep a slice that it was given: the caller may change a copy as soon as Put has returned.", run: func(e *env) {
			id := e.id()
			for _, want := range []string{"in the place of a lease", "in the place of a copy"} {
				_, t := e.get(e.c, id)
				b := append(make([]byte, 0, 100), want...)
				e.ok("Put", e.c.Put(e.ctx, id, t, b, ttl))
				spoil(b)
				e.holds(id, want)
			}
		}},
		{Name: "ownership/get", Why: "A cache hands out no slice that it keeps: what Get returns is the caller's.", run: func(e *env) {
			id := e.id()
			e.fill(id, "copy")
			for range 3 {
				b, _ := e.get(e.c, id)
				if string(b) != "copy" {
					e.Fatalf("after the caller changed what Get had returned: got %.40q", b)
				}
				spoil(b)
			}
		}},
		{Name: "ownership/given-slices", Why: "A cache does not modify a slice that it was given.", run: func(e *env) {
			id := e.id()
			t := e.lease(id)
			b := append(make([]byte, 0, 100), "copy"...)
			want := bytes.Clone(b[:cap(b)])
			e.ok("Put", e.c.Put(e.ctx, id, t, b, ttl))
			e.refused("with a lease that was used", id, t)
			if !bytes.Equal(b[:cap(b)], want) {
				e.Fatalf("Put changed the slice of the copy, or what is behind it")
			}
			ids := []store.ID{e.id(), e.id(), id, id}
			ids[0], ids[1] = ids[1], ids[0] // neither up nor down
			given := slices.Clone(ids)
			e.delete(given[:3]...)
			if !slices.Equal(given, ids) {
				e.Fatalf("Delete changed the slice of ids")
			}
		}},
		{Name: "errors/no-data", Why: "No error text holds a part of a copy.", run: func(e *env) {
			const marker = "MARKER-OF-THE-COPY"
			id := e.id()
			t := e.fill(id, "in the cache: "+marker)
			ctx, cancel := context.WithCancel(e.ctx)
			cancel()
			copy := []byte("in the call: " + marker)
			calls := map[string]func() error{
				"a refused Put":         func() error { return e.c.Put(e.ctx, id, t, copy, ttl) },
				"a Put without ticket":  func() error { return e.c.Put(e.ctx, id, 0, copy, ttl) },
				"a Put that is late":    func() error { return e.c.Put(ctx, id, t, copy, ttl) },
				"a Get that is late":    func() error { _, _, err := e.c.Get(ctx, id); return err },
				"a Delete that is late": func() error { return e.c.Delete(ctx, id) },
			}
			if e.config.MaxCopy > 0 {
				_, t := e.get(e.c, id)
				big := bytes.Repeat([]byte(marker), 2*e.config.MaxCopy/len(marker)+1)
				calls["a Put of too much"] = func() error { return e.c.Put(e.ctx, id, t, big, ttl) }
			}
			for what, call := range calls {
				err := call()
				if err == nil {
					continue // another case's business
				}
				text := strings.ToLower(err.Error())
				for _, s := range []string{marker, hex.EncodeToString([]byte(marker)), base64.StdEncoding.EncodeToString([]byte(marker))} {
					if strings.Contains(text, strings.ToLower(s)) {
						e.Fatalf("the error of %s holds a part of the copy", what)
					}
				}
			}
		}},
	}
}

// spoil overwrites b, to the end of its capacity.
func spoil(b []byte) {
	b = b[:cap(b)]
	for i := range b {
		b[i] = '#'
	}
}
