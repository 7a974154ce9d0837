// Package stores opens any store that the tools support from an address.
package stores

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // postgres://
	_ "modernc.org/sqlite"             // sqlite:, without cgo

	sqlxstore "github.com/qsessions/qsessions/backend/sqlx"
)

// Open opens the store of an address in the form of [Parse]. A file of SQLite that is not there is made, in a directory
// that is. No error holds a password.
func Open(ctx context.Context, address string, c sqlxstore.Config) (*sqlxstore.Store, error) {
	a, err := Parse(address)
	if err != nil {
		return nil, err
	}
	return a.Open(ctx, c)
}

// OpenExisting is Open for those who expect a database: it makes no file, and returns an error that matches
// [fs.ErrNotExist] if there is none.
func OpenExisting(ctx context.Context, address string, c sqlxstore.Config) (*sqlxstore.Store, error) {
	a, err := Parse(address)
	if err != nil {
		return nil, err
	}
	if a.File != "" {
		if _, err := os.Stat(a.File); err != nil {
			return nil, fmt.Errorf("there is no such SQLite file: %w", err)
		}
	}
	return a.Open(ctx, c)
}

// Open is the function Open for an address that was read already.
func (a Address) Open(ctx context.Context, c sqlxstore.Config) (*sqlxstore.Store, error) {
	if a.File != "" {
		if err := checkFile(a.File); err != nil {
			return nil, err
		}
	}
	s, err := sqlxstore.Open(ctx, a.driver, a.dsn, c)
	if err != nil && a.Dialect == sqlxstore.Postgres && strings.Contains(err.Error(), "refused TLS") {
		return nil, fmt.Errorf("%w (on a network that you trust, end the address with ?sslmode=disable)", err)
	}
	return s, err
}

// checkFile says what SQLite does not: its error is the same for all of these.
func checkFile(path string) error {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return fmt.Errorf("%s is a directory: want the path of a SQLite file", path)
	case errors.Is(err, fs.ErrNotExist):
		dir := filepath.Dir(path)
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			return fmt.Errorf("the directory of the SQLite file is not there: %s", dir)
		}
	case err != nil:
		return fmt.Errorf("the SQLite file cannot be used: %w", err)
	}
	return nil
}
