package sqlxstore

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/qsessions/qsessions/core/store"
)

// A sending is an argument that counts how often the driver gets it. lib/pq says [driver.ErrBadConn] also where the reply to a
// statement was lost, and database/sql then sends the statement again: what has changed meanwhile may be the work of the first time.
type sending struct {
	value any
	times atomic.Int32
}

// Value implements [driver.Valuer].
func (s *sending) Value() (driver.Value, error) {
	s.times.Add(1)
	return s.value, nil
}

// counted puts a sending into the arguments of a write that must not be executed twice, where the driver is not known to say
// ErrBadConn for nothing but what it has not sent.
func (s *Store) counted(args []any) *sending {
	if !s.waits {
		return nil
	}
	first := &sending{value: args[0]}
	args[0] = first
	return first
}

// outcome returns err, unless the write may have met itself.
func (s *sending) outcome(op string, err error) error {
	if s == nil || s.times.Load() < 2 || !errors.Is(err, store.ErrConflict) && !errors.Is(err, store.ErrExists) {
		return err
	}
	return fmt.Errorf("sqlxstore: %s: %w: a connection was lost, and whether this was done is unknown", op, store.ErrUnavailable)
}
