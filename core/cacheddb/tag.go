package cacheddb

import (
	"context"

	"github.com/qsessions/qsessions/core/store"
)

// An untagged database does not see the tags of records, and sets none. Here a tag is the ticket of a copy: what a
// database means by one of its own is no ticket, and the other way round.
type untagged struct{ store.Indexed }

func (d untagged) Load(ctx context.Context, id store.ID) (*store.Record, error) {
	r, err := d.Indexed.Load(ctx, id)
	if err != nil {
		return nil, err
	}
	r.Tag = 0
	return r, nil
}

func (d untagged) Create(ctx context.Context, r *store.Record) error {
	return without(r, func() error { return d.Indexed.Create(ctx, r) })
}

func (d untagged) Save(ctx context.Context, r *store.Record) error {
	return without(r, func() error { return d.Indexed.Save(ctx, r) })
}

func (d untagged) Touch(ctx context.Context, r *store.Record, t store.Touch) error {
	return without(r, func() error { return d.Indexed.Touch(ctx, r, t) })
}

func without(r *store.Record, write func() error) error {
	tag := r.Tag
	r.Tag = 0
	err := write()
	r.Tag = tag
	return err
}
