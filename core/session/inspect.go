package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/qsessions/qsessions/core/store"
)

// Inspect returns one session, whosever it is and expired or not, with the fields that lists do not have: for operators,
// and for pages that check whose it is. It asks the database, never a cached copy, and no enricher: [Manager.Describe]
// does, when it is known that the session may be shown. Errors: [ErrNotFound], [ErrUnavailable].
func (m *Manager) Inspect(ctx context.Context, id ID) (Info, error) {
	r, err := m.inspect(ctx, id)
	if err != nil {
		return Info{}, err
	}
	return m.inspected(ctx, r), nil
}

// Values is [Manager.Inspect] that also returns what is stored in the session, as Config.Codec encoded it. It is for
// operators, and may be personal: whether it may be shown depends on the Info. Errors: those of Inspect, and [ErrCorrupt],
// with the Info, if the values cannot be read. The caller owns the result.
func (m *Manager) Values(ctx context.Context, id ID) (Info, map[string][]byte, error) {
	r, err := m.inspect(ctx, id)
	if err != nil {
		return Info{}, nil, err
	}
	i := m.inspected(ctx, r)
	d, err := m.seal.open(r.ID, r.Data)
	if err != nil {
		return i, nil, err
	}
	values := make(map[string][]byte)
	for name, value := range d.all() {
		values[string(name)] = bytes.Clone(value)
	}
	return i, values, nil
}

func (m *Manager) inspected(ctx context.Context, r *store.Record) Info {
	var current ID
	if s, err := m.From(ctx); err == nil {
		current = s.ID()
	}
	var s secret
	if m.decode(r.Secret, &s) != nil {
		return infoOf(r, current)
	}
	m.bind(r, &s)
	i := infoOf(r, current)
	i.Level, i.Remembered, i.Deadline = s.proofs.level(), s.remember, s.deadline
	return i
}

func (m *Manager) inspect(ctx context.Context, id ID) (*store.Record, error) {
	if id.IsZero() {
		return nil, fmt.Errorf("session: inspect: %w", ErrNotFound)
	}
	ctx, cancel := m.bounded(ctx)
	defer cancel()
	r, err := store.LoadFresh(ctx, m.store, id)
	switch {
	case err == nil && r.ID == id:
		return r, nil
	case err == nil, errors.Is(err, store.ErrNotFound):
		return nil, fmt.Errorf("session: inspect: %w", ErrNotFound)
	}
	return nil, fmt.Errorf("session: inspect: %w", unavailable(ctx, err))
}
