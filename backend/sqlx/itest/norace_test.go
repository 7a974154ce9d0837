//go:build !race

package itest

const underRace = false
