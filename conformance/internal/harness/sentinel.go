package harness

import (
	"errors"

	"github.com/qsessions/qsessions/core/store"
)

// Sentinel returns err as the author of a store writes it: the name of what it matches, and its own text if that differs.
func Sentinel(err error) string {
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
		case err.Error() == known.err.Error() && errors.Is(err, known.err):
			return known.name
		case errors.Is(err, known.err):
			return known.name + " (" + err.Error() + ")"
		}
	}
	return err.Error()
}
