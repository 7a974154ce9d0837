// Package itest runs package sqlxstore against real databases. It is a module of its own and never published, so that
// no user of sqlxstore meets the drivers.
package itest

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "github.com/lib/pq"
	_ "modernc.org/sqlite"

	"github.com/qsessions/qsessions/testserver"
)

func TestMain(m *testing.M) {
	if job := os.Getenv(jobEnv); job != "" {
		os.Exit(runJob(context.Background(), job))
	}
	code := testserver.Run(m)
	if err := reportSQLite(); err != nil {
		fmt.Fprintln(os.Stderr, "itest:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// reportSQLite adds the version of the one database that is no server to the report of testserver.
func reportSQLite() error {
	var version string
	db, err := sql.Open("sqlite", "file::memory:")
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.QueryRow("SELECT sqlite_version()").Scan(&version); err != nil {
		return err
	}
	return testserver.Report("testserver: itest used SQLite " + version + "\n")
}
