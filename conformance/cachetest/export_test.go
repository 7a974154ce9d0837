package cachetest

import (
	"context"
	"slices"
)

// CheckOnly is Check of the cases that are wanted.
func CheckOnly(ctx context.Context, c Config, wanted func(Case) bool) error {
	return c.check(ctx, slices.DeleteFunc(c.cases(), func(k Case) bool { return !wanted(k) }))
}

// Briefly returns c with no more than Rounds of each race: a cache that waits in the gap of its fault needs little. In a
// bubble of testing/synctest, where no time passes while there is something to do, a race would go on for very long.
func Briefly(c Config) Config {
	c.raceTime = -1
	return c
}
