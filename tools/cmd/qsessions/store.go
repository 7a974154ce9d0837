package main

import (
	"context"

	sqlxstore "github.com/qsessions/qsessions/backend/sqlx"
	"github.com/qsessions/qsessions/tools/internal/stores"
)

// storeFlags name the store of a command that cannot do without.
type storeFlags struct {
	Store string `required:"" env:"QSESSIONS_STORE" placeholder:"ADDR" help:"Address of the store."`
	tableFlags
}

type tableFlags struct {
	Table string `default:"qsessions" placeholder:"NAME" help:"Table of the sessions; a schema and a dot may precede it. Default: ${default}."`
}

func (f tableFlags) config() sqlxstore.Config { return sqlxstore.Config{Table: f.Table} }

// open opens the store, and makes the file of SQLite where there is none.
func (f storeFlags) open(ctx context.Context) (*sqlxstore.Store, error) {
	return stores.Open(ctx, f.Store, f.config())
}

func (f storeFlags) openExisting(ctx context.Context) (*sqlxstore.Store, error) {
	return stores.OpenExisting(ctx, f.Store, f.config())
}
