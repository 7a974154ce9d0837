// Package benchtest opens the measured stores in tests.
package benchtest

import (
	"testing"

	"github.com/qsessions/qsessions/testserver"
	"github.com/qsessions/qsessions/tools/bench/stores"
)

// Open opens the store of that name, on the servers of the test process, and closes it when the test ends. The package's
// TestMain must call [testserver.Run].
func Open(tb testing.TB, name string) *stores.Store {
	tb.Helper()
	var server *testserver.Server
	switch name {
	case stores.Postgres:
		server = testserver.Postgres(tb)
	case stores.MariaDB:
		server = testserver.MariaDB(tb)
	}
	s, err := stores.Open(tb.Context(), name, server)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}
