package interleave

import (
	"bytes"
	"context"
	"iter"
	"slices"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// A database is a table of sessions and one of cut-offs. Each of its statements is a step: it sees what was committed
// before, commits by itself, and changes rows only where their condition still holds. A removed row stays, marked.
type database struct {
	s       *scheduler
	id      store.ID // of the session that the operations are about
	rows    []*row   // never changed, only replaced, so that a copy of the slice is a snapshot
	cutoffs []cutoff
	writers []*operation // whose updates the row of that session has taken, in their order
}

type row struct {
	store.Record

	dead bool
}

type cutoff struct {
	user string
	at   time.Time
}

var (
	_ store.Indexed = (*database)(nil)
	_ store.Keeper  = (*database)(nil)
)

// Key implements [store.Keeper]. It is no step: what is explored is what follows when the key is known.
func (d *database) Key(context.Context, string) ([]byte, error) {
	return bytes.Repeat([]byte{7}, store.KeySize), nil
}

func (d *database) snapshot() *database {
	return &database{id: d.id, rows: slices.Clone(d.rows), cutoffs: slices.Clone(d.cutoffs)}
}

func (d *database) find(id store.ID) int {
	return slices.IndexFunc(d.rows, func(r *row) bool { return r.ID == id })
}

func (d *database) object(id store.ID) object {
	if id == d.id {
		return rowS
	}
	return rowOther
}

// own returns a copy for the table.
func own(r *store.Record) *row {
	n := &row{Record: *r.Clone()}
	n.Tag = 0
	return n
}

// Load implements [store.Store].
func (d *database) Load(_ context.Context, id store.ID) (*store.Record, error) {
	var found *row
	err := d.s.do(command{name: "SELECT row", effect: func() footprint {
		if i := d.find(id); i >= 0 && !d.rows[i].dead {
			found = d.rows[i]
		}
		return footprint{read: d.object(id)}
	}})
	switch {
	case err != nil:
		return nil, err
	case found == nil:
		return nil, store.ErrNotFound
	}
	return found.Clone(), nil
}

// Create implements [store.Store].
func (d *database) Create(_ context.Context, r *store.Record) error {
	n, taken := own(r), false
	n.Version = 1
	err := d.s.do(command{name: "INSERT row", writes: true, effect: func() footprint {
		if taken = d.find(n.ID) >= 0; taken {
			return footprint{read: d.object(n.ID)}
		}
		d.rows = append(d.rows, n)
		return footprint{wrote: d.object(n.ID) | index}
	}})
	switch {
	case err != nil:
		return err
	case taken:
		return store.ErrExists
	}
	r.Version = 1
	return nil
}

// Save implements [store.Store].
func (d *database) Save(_ context.Context, r *store.Record) error {
	n, done, writer := own(r), false, d.s.running
	n.Version++
	err := d.s.do(command{name: "UPDATE row, by version", writes: true, effect: func() footprint {
		i := d.find(n.ID)
		if done = i >= 0 && d.rows[i].Version == n.Version-1 && !d.rows[i].dead && (d.rows[i].User == "" || d.rows[i].User == n.User); !done {
			return footprint{read: d.object(n.ID)}
		}
		f := footprint{wrote: d.object(n.ID)}
		if d.rows[i].User != n.User {
			f.wrote |= index
		}
		d.rows[i] = n
		d.wrote(n.ID, writer)
		return f
	}})
	switch {
	case err != nil:
		return err
	case !done:
		return store.ErrConflict
	}
	r.Version = n.Version
	return nil
}

// Touch implements [store.Store].
func (d *database) Touch(_ context.Context, r *store.Record, t store.Touch) error {
	id, version, seen, done, writer := r.ID, r.Version, r.LastSeen, false, d.s.running
	err := d.s.do(command{name: "UPDATE last seen, by version and last seen", writes: true, effect: func() footprint {
		i := d.find(id)
		if done = i >= 0 && d.rows[i].Version == version && d.rows[i].LastSeen.Equal(seen) && !d.rows[i].dead; !done {
			return footprint{read: d.object(id)}
		}
		n := own(&d.rows[i].Record)
		n.LastSeen, n.ExpiresAt, n.IP, n.UserAgent = t.LastSeen, t.ExpiresAt, t.IP, t.UserAgent
		d.rows[i] = n
		d.wrote(id, writer)
		return footprint{wrote: d.object(id)}
	}})
	switch {
	case err != nil:
		return err
	case !done:
		return store.ErrConflict
	}
	r.LastSeen, r.ExpiresAt, r.IP, r.UserAgent = t.LastSeen, t.ExpiresAt, t.IP, t.UserAgent
	return nil
}

func (d *database) wrote(id store.ID, writer *operation) {
	if id == d.id && writer != nil {
		d.writers = append(d.writers, writer)
		writer.wrote = d.s.seq
	}
}

// Delete implements [store.Store].
func (d *database) Delete(_ context.Context, ids ...store.ID) error {
	ids = slices.Clone(ids)
	return d.s.do(command{name: "UPDATE rows, dead", writes: true, effect: func() footprint {
		return d.kill(ids, func(*row) bool { return true })
	}})
}

// kill marks the rows of ids that are alive and allowed.
func (d *database) kill(ids []store.ID, allowed func(*row) bool) (f footprint) {
	for _, id := range ids {
		i := d.find(id)
		if i < 0 || d.rows[i].dead || !allowed(d.rows[i]) {
			f.read |= d.object(id)
			continue
		}
		n := own(&d.rows[i].Record)
		n.Version++
		n.dead = true
		d.rows[i] = n
		f.wrote |= d.object(id)
	}
	return f
}

// List implements [store.Indexed].
func (d *database) List(_ context.Context, q store.Query) iter.Seq2[*store.Record, error] {
	return func(yield func(*store.Record, error) bool) {
		var found []*row
		err := d.s.do(command{name: "SELECT rows of the user", effect: func() footprint {
			for _, r := range d.rows {
				if (len(q.IDs) == 0 || slices.Contains(q.IDs, r.ID)) && (q.User == "" || r.User == q.User) && !r.dead && (q.Live.IsZero() || r.Live(q.Live)) {
					found = append(found, r)
				}
			}
			return footprint{read: index | rowS | rowOther}
		}})
		if err != nil {
			yield(nil, err)
			return
		}
		for _, r := range found {
			c := r.Clone()
			c.Secret, c.Data = nil, nil
			if !yield(c, nil) {
				return
			}
		}
	}
}

// DeleteUser implements [store.Indexed], in its three statements.
func (d *database) DeleteUser(_ context.Context, user string, at time.Time, keep ...store.ID) ([]store.ID, error) {
	earlier := func(r *row) bool { return r.User == user && r.AuthenticatedAt.Before(at) }
	err := d.s.do(command{name: "UPSERT cut-off", writes: true, effect: func() footprint {
		i := slices.IndexFunc(d.cutoffs, func(c cutoff) bool { return c.user == user })
		switch {
		case i < 0:
			d.cutoffs = append(d.cutoffs, cutoff{user, at})
		case d.cutoffs[i].at.Before(at):
			d.cutoffs[i].at = at
		default:
			return footprint{read: cutoffs}
		}
		return footprint{wrote: cutoffs}
	}})
	if err != nil {
		return nil, err
	}
	var ids []store.ID
	err = d.s.do(command{name: "SELECT ids of the user", effect: func() footprint {
		for _, r := range d.rows {
			if earlier(r) && !slices.Contains(keep, r.ID) && !(r.dead && d.s.c.forgetful) {
				ids = append(ids, r.ID)
			}
		}
		return footprint{read: index | rowS | rowOther}
	}})
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	mine := slices.Clone(ids)
	err = d.s.do(command{name: "UPDATE rows of the user, dead", writes: true, effect: func() footprint { return d.kill(mine, earlier) }})
	return ids, err
}

// Cutoff implements [store.Indexed].
func (d *database) Cutoff(_ context.Context, user string) (at time.Time, err error) {
	err = d.s.do(command{name: "SELECT cut-off", effect: func() footprint {
		for _, c := range d.cutoffs {
			if c.user == user {
				at = c.at
			}
		}
		return footprint{read: cutoffs}
	}})
	return at, err
}

// Sweep implements [store.Indexed]. No operation sweeps.
func (d *database) Sweep(context.Context, time.Time, int) (int, error) { return 0, nil }
