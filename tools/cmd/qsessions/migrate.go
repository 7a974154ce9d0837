package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"text/tabwriter"
	"time"

	sqlxstore "github.com/qsessions/qsessions/backend/sqlx"
	"github.com/qsessions/qsessions/tools/internal/stores"
)

type upCmd struct {
	storeFlags
	userFlags
}

// Run applies what is pending and says what it was. It makes the file of SQLite where there is none.
func (c *upCmd) Run(ctx context.Context, std stdio) (err error) {
	config := c.config()
	config.User = c.column()
	s, err := stores.Open(ctx, c.Store, config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	before, err := s.Migrations(ctx)
	if err != nil {
		return err
	}
	if err := s.Migrate(ctx); err != nil {
		return err
	}
	pending := slices.DeleteFunc(before, applied)
	for _, m := range pending {
		fmt.Fprintf(std.out, "applied %s\n", title(m))
	}
	if len(pending) == 0 {
		fmt.Fprintln(std.out, "up to date")
	}
	return nil
}

type statusCmd struct{ storeFlags }

// Run prints a line for each migration.
func (c *statusCmd) Run(ctx context.Context, std stdio) (err error) {
	s, err := c.openExisting(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	all, err := s.Migrations(ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(std.out, 0, 0, 2, ' ', 0)
	for _, m := range all {
		state := "pending"
		if applied(m) {
			state = "applied " + m.AppliedAt.UTC().Format(time.RFC3339)
		}
		if m.SQL == "" {
			state += " (by a newer program)"
		}
		fmt.Fprintf(w, "%s\t%s\n", title(m), state)
	}
	return w.Flush()
}

type printCmd struct {
	Dialect string `required:"" enum:"postgres,mysql,sqlite" placeholder:"NAME" help:"One of ${enum}; mysql is MariaDB's too."`
	tableFlags
	userFlags
}

// Run prints all migrations as SQL.
func (c *printCmd) Run(std stdio) error {
	config := c.config()
	config.User = c.column()
	all, err := sqlxstore.Schema(sqlxstore.Dialect(c.Dialect), config)
	if err != nil {
		return err
	}
	for i, m := range all {
		if i > 0 {
			fmt.Fprintln(std.out)
		}
		fmt.Fprintf(std.out, "-- %s\n%s\n", title(m), m.SQL)
	}
	return nil
}

func applied(m sqlxstore.Migration) bool { return !m.AppliedAt.IsZero() }

func title(m sqlxstore.Migration) string { return fmt.Sprintf("%04d %s", m.Number, m.Name) }
