//go:build race

package itest

const sqliteRows = 50_000
