package interleave

import (
	"context"
	"slices"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// redis gives each lease and each copy a random number.
type redis struct{ *slots }

// Get implements [store.Cache] by one script.
func (c redis) Get(_ context.Context, id store.ID) (b []byte, t store.Ticket, err error) {
	err = c.s.do(command{name: "get or lease", cache: true, writes: true, effect: func() footprint {
		i, ok := c.get(id)
		switch {
		case !ok:
			t = store.Ticket(c.nonce())
			c.items[id] = item{stamp: uint64(t), until: time.Now().Add(lease)}
			return footprint{wrote: c.object(id)}
		case i.copy != nil:
			b, t = slices.Clone(i.copy), store.Ticket(i.stamp)
		}
		return footprint{read: c.object(id)}
	}})
	if err != nil {
		return nil, 0, err
	}
	return b, t, nil
}

// Put implements [store.Cache] by one script.
func (c redis) Put(_ context.Context, id store.ID, t store.Ticket, b []byte, ttl time.Duration) error {
	if t == 0 {
		return store.ErrConflict
	}
	b = slices.Clone(b)
	stored := false
	err := c.s.do(command{name: "put", cache: true, writes: true, effect: func() footprint {
		i, ok := c.get(id)
		if stored = ok && i.stamp == uint64(t); !stored {
			return footprint{read: c.object(id)}
		}
		c.items[id] = item{copy: b, stamp: c.nonce(), until: time.Now().Add(ttl)}
		return footprint{wrote: c.object(id)}
	}})
	if err == nil && !stored {
		err = store.ErrConflict
	}
	return err
}

// Delete implements [store.Cache] by one command.
func (c redis) Delete(_ context.Context, ids ...store.ID) error {
	ids = slices.Clone(ids)
	return c.s.do(command{name: "unlink", cache: true, writes: true, effect: func() footprint { return c.remove(ids...) }})
}
