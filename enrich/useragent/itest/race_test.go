//go:build race

package itest

const each = 50 // cases one is tried: the race detector makes expressions ten times slower
