//go:build race

package fibersession_test

// each is how many requests a connection of TestKeepAlive sends; without the race detector they are eight times as many.
const each = 1_600
