// Package itest runs package sqlxstore against real databases. It is a module of its own, and is never published, so
// that no user of sqlxstore meets the drivers.
package itest

import (
	"os"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "github.com/lib/pq"
	_ "modernc.org/sqlite"

	"github.com/qsessions/qsessions/testserver"
)

func TestMain(m *testing.M) { os.Exit(testserver.Run(m)) }
