//go:build race

package cacheddb

const underRace = true
