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
	var current ID
	if s, err := m.From(ctx); err == nil {
		current = s.ID()
	}
	i := infoOf(r, current)
	if s, ok := decodeSecret(r.Secret); ok {
		i.Level, i.Remembered, i.Deadline = int(s.level), s.remember, s.deadline
	}
	return i, nil
}

// Values returns what is stored in one session, whosever it is, as Config.Codec encoded it. It is for operators, and may
// be personal. Errors: those of [Manager.Inspect], and [ErrCorrupt] if it cannot be read. The caller owns the result.
func (m *Manager) Values(ctx context.Context, id ID) (map[string][]byte, error) {
	r, err := m.inspect(ctx, id)
	if err != nil {
		return nil, err
	}
	d, err := m.seal.open(r.ID, r.Data)
	if err != nil {
		return nil, err
	}
	values := make(map[string][]byte)
	for name, value := range d.all() {
		values[string(name)] = bytes.Clone(value)
	}
	return values, nil
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
