//go:build !race

package fibersession_test

const each = 12_500
