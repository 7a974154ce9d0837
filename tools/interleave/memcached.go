package interleave

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// memcached numbers items by a counter that begins anew when the server does. A client sends a cas only on a connection
// that is older than the number in it: after a restart there is none.
type memcached struct{ *slots }

// Get implements [store.Cache] by gets, add and gets.
func (c memcached) Get(_ context.Context, id store.ID) ([]byte, store.Ticket, error) {
	var found item
	var ok bool
	var epoch uint64
	gets := command{name: "gets", cache: true, effect: func() footprint {
		found, ok = c.get(id)
		epoch = c.epoch
		return footprint{read: c.object(id)}
	}}
	if err := c.s.do(gets); err != nil {
		return nil, 0, err
	}
	var owner uint64
	if !ok {
		owner = c.nonce()
		added, err := c.add(id, owner)
		if err != nil || !added {
			return nil, 0, err
		}
		if err := c.s.do(gets); err != nil || !ok {
			return nil, 0, err
		}
	}
	if found.copy == nil && found.owner != owner {
		return nil, 0, nil
	}
	return slices.Clone(found.copy), store.Ticket(found.stamp<<8 | epoch), nil
}

func (c memcached) add(id store.ID, owner uint64) (added bool, err error) {
	err = c.s.do(command{name: "add a lease", cache: true, writes: true, effect: func() footprint {
		if _, taken := c.get(id); taken {
			return footprint{read: c.object(id)}
		}
		added = true
		c.cas++
		c.items[id] = item{stamp: c.cas, owner: owner, until: time.Now().Add(lease)}
		return footprint{wrote: c.object(id)}
	}})
	return added, err
}

// Put implements [store.Cache].
func (c memcached) Put(_ context.Context, id store.ID, t store.Ticket, b []byte, ttl time.Duration) error {
	if t == 0 {
		return store.ErrConflict
	}
	b = slices.Clone(b)
	stored := false
	err := c.s.do(command{name: "cas", cache: true, writes: true, effect: func() footprint {
		i, ok := c.get(id)
		if !ok || i.stamp != uint64(t)>>8 || c.epoch != uint64(t)&0xff && !c.s.c.unguarded {
			return footprint{read: c.object(id)}
		}
		stored = true
		c.cas++
		c.items[id] = item{copy: b, stamp: c.cas, until: time.Now().Add(ttl)}
		return footprint{wrote: c.object(id)}
	}})
	if err == nil && !stored {
		err = store.ErrConflict
	}
	return err
}

// Delete implements [store.Cache], one command for each slot.
func (c memcached) Delete(_ context.Context, ids ...store.ID) error {
	var failed []error
	for _, id := range ids {
		failed = append(failed, c.s.do(command{name: "delete", cache: true, writes: true, effect: func() footprint { return c.remove(id) }}))
	}
	return errors.Join(failed...)
}
