package storetest

import (
	"errors"

	"github.com/qsessions/qsessions/core/store"
)

func is(err, target error) bool { return errors.Is(err, target) }

// sentinel returns err as the author of a store writes it: the name of what it matches, and its own text if that differs.
func sentinel(err error) string {
	if err == nil {
		return "none"
	}
	for _, known := range []struct {
		name string
		err  error
	}{
		{"store.ErrNotFound", store.ErrNotFound}, {"store.ErrExists", store.ErrExists}, {"store.ErrConflict", store.ErrConflict},
		{"store.ErrNoUser", store.ErrNoUser}, {"store.ErrTooLarge", store.ErrTooLarge}, {"store.ErrUnavailable", store.ErrUnavailable},
	} {
		switch {
		case err.Error() == known.err.Error() && is(err, known.err):
			return known.name
		case is(err, known.err):
			return known.name + " (" + err.Error() + ")"
		}
	}
	return err.Error()
}
