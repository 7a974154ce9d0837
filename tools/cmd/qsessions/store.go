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
	Table       string `default:"qsessions" placeholder:"NAME" help:"Table of the sessions; a schema and a dot may precede it. Default: ${default}."`
	CutoffTable string `placeholder:"NAME" help:"Table that remembers whose sessions were all ended, and when. Default: the other one, with _cutoff."`
}

func (f tableFlags) config() sqlxstore.Config {
	return sqlxstore.Config{Table: f.Table, CutoffTable: f.CutoffTable}
}

// userFlags say what the column with the user is. It matters when the tables are made, and never again.
type userFlags struct {
	UserType       string `default:"text" enum:"text,integer,uuid,uuidbytes" placeholder:"TYPE" help:"Type of the column with the user: ${enum}. As the application has it; fixed when the tables are made. Default: ${default}."`
	UserReferences string `placeholder:"TABLE(COLUMN)" help:"Make that column a foreign key, so that the sessions of a removed user go along. Default: none."`
}

var userTypes = map[string]sqlxstore.UserType{
	"text": sqlxstore.Text, "integer": sqlxstore.Integer, "uuid": sqlxstore.UUID, "uuidbytes": sqlxstore.UUIDBytes,
}

func (f userFlags) column() sqlxstore.UserColumn {
	return sqlxstore.UserColumn{Type: userTypes[f.UserType], References: f.UserReferences}
}

func (f storeFlags) openExisting(ctx context.Context) (*sqlxstore.Store, error) {
	return stores.OpenExisting(ctx, f.Store, f.config())
}
