package storetest

import (
	"context"
	"slices"
)

// CheckOnly is Check of the cases that are wanted.
func CheckOnly(ctx context.Context, c Config, wanted func(Case) bool) error {
	return c.check(ctx, slices.DeleteFunc(c.cases(), func(k Case) bool { return !wanted(k) }))
}
