package adaptertest

import (
	"context"
	"time"
)

// CheckOnly is [Check] of the cases that keep keeps.
func CheckOnly(ctx context.Context, c Config, keep func(Case) bool) error {
	var cases []Case
	for _, k := range Cases() {
		if keep(k) {
			cases = append(cases, k)
		}
	}
	return c.check(ctx, cases)
}

// Impatient is c for cases that an adapter violates: what does not happen is not waited for as long.
func Impatient(c Config) Config {
	c.patience = 300 * time.Millisecond
	return c
}
