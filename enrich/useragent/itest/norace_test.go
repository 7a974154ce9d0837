//go:build !race

package itest

const each = 1 // case is tried
