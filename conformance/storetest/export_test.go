package storetest

import (
	"context"
	"slices"
	"time"
)

// CheckOnly is Check of the cases that are wanted.
func CheckOnly(ctx context.Context, c Config, wanted func(Case) bool) error {
	return c.check(ctx, slices.DeleteFunc(c.cases(), func(k Case) bool { return !wanted(k) }))
}

// Briefly returns c with less time for each race: a store that waits in the gap of its fault needs little.
func Briefly(c Config) Config {
	c.raceTime = 5 * time.Millisecond
	return c
}

// Sequence is what [Fuzz] does with ops.
func Sequence(ctx context.Context, c Config, ops []byte) error { return c.sequence(ctx, ops) }

// Seed returns one of the seeds of [Fuzz].
func Seed(n uint64) []byte { return seed(n) }

// Seeds is how many there are.
const Seeds = seeds
