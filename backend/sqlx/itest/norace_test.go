//go:build !race

package itest

const sqliteRows = 1_000_000
