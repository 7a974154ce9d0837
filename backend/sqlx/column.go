package sqlxstore

import (
	"context"
	"fmt"
	"strings"
)

// checkUsers compares User.Type with the column of the sessions and with the one that User.References names, as far as they are
// there and this role may see them: a role that runs the application need not have any right on the table of users.
func (s *Store) checkUsers(ctx context.Context, op string) error {
	table, name := s.config.reference()
	for _, c := range [][2]string{{s.config.Table, "user_id"}, {table, name}} {
		if c[0] == "" {
			continue
		}
		found, err := s.column(ctx, op, c[0], c[1])
		if err == nil && found != nil {
			err = s.dialect.typeError(s.config.User.Type, c[0]+"("+c[1]+")", found.text)
			if s.config.Dialect == MySQL { // both columns have one type
				s.keepsSpaces.Store(spacesIn(found.text))
			}
		}
		if err != nil {
			return err
		}
	}
	if table != "" && s.config.Dialect == SQLite {
		return s.checkKey(ctx, op)
	}
	return nil
}

// checkKey refuses a reference to a column that is no key. SQLite, unlike the others, takes such a foreign key, and then refuses each
// login. It says so when it compiles a statement.
func (s *Store) checkKey(ctx context.Context, op string) error {
	mismatch := false
	err := s.do(ctx, op, repeatable, func(c conn) error {
		rows, err := c.queryer().QueryContext(ctx, s.names.Replace("EXPLAIN INSERT INTO {table} SELECT * FROM {table}"))
		if err != nil {
			mismatch = strings.Contains(err.Error(), "foreign key mismatch")
			if mismatch {
				return nil
			}
			return s.dialect.unlessWithheld(err) // the tables may come later
		}
		return rows.Close()
	})
	if err == nil && mismatch {
		return fmt.Errorf("sqlxstore: User.References: %s is neither a primary key nor unique", s.config.User.References)
	}
	return err
}

// referencedType returns the type of a column that refers to the one that User.References names, and refuses one that User.Type
// does not fit. MySQL demands exactly the same type.
func (s *Store) referencedType(ctx context.Context) (string, error) {
	const op = "migrate"
	own := s.dialect.users[s.config.User.Type]
	table, name := s.config.reference()
	if table == "" {
		return own, nil
	}
	found, err := s.column(ctx, op, table, name)
	if err != nil {
		return "", err
	}
	switch {
	case found != nil:
		if err := s.dialect.typeError(s.config.User.Type, s.config.User.References, found.text); err != nil {
			return "", err
		}
		if s.config.Dialect == MySQL {
			own = found.declaration
		}
	case s.config.Dialect != SQLite: // which looks for the table when a user is stored
		return "", fmt.Errorf("sqlxstore: migrate: User.References: there is no %s, or this role has no right to refer to it", s.config.User.References)
	}
	return own, nil
}

// A column is as the server describes it.
type column struct {
	text        string // its type; of a domain, the type below it
	declaration string // what declares another one like it
}

// column returns nil where there is no such column, or the server does not tell this role.
func (s *Store) column(ctx context.Context, op, table, name string) (*column, error) {
	text, err := s.dialect.statementText("column_"+string(s.dialect.name), s.columnNames(table, name))
	if err != nil {
		return nil, err
	}
	var found *column
	err = s.do(ctx, op, repeatable, func(c conn) error {
		found = nil
		rows, err := c.queryer().QueryContext(ctx, text) // without parameters: no driver prepares it
		if err != nil {
			return s.dialect.unlessWithheld(err)
		}
		defer rows.Close()
		for rows.Next() {
			var charset, collation string
			found = &column{}
			if err := rows.Scan(&found.text, &charset, &collation); err != nil {
				return err
			}
			found.declaration = found.text
			if collation != "" {
				found.declaration += " CHARACTER SET " + charset + " COLLATE " + collation
			}
		}
		if err := rows.Err(); err != nil {
			return s.dialect.unlessWithheld(err)
		}
		return rows.Close()
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// columnNames returns what the placeholders in the files column_*.sql stand for. The names are letters, digits and underscores.
func (s *Store) columnNames(table, name string) *strings.Replacer {
	schema, _, ok := strings.Cut(table, ".")
	in := "DATABASE()"
	if s.config.Dialect == Postgres {
		in = "pg_catalog.pg_table_is_visible(c.oid)"
	} else if !ok { // a foreign key looks in the database of its own table
		schema, _, ok = strings.Cut(s.config.Table, ".")
	}
	if ok {
		in = "'" + schema + "'"
		if s.config.Dialect == Postgres {
			in = "n.nspname = " + in
		}
	}
	return strings.NewReplacer("{in}", in, "{of}", base(table), "{named}", name)
}

// unlessWithheld returns nil for the answer of a server that does not know, or does not show, its catalog. That is no outage, and
// no reason not to start.
func (d *dialect) unlessWithheld(err error) error {
	switch d.name {
	case Postgres:
		if code := sqlState(err); strings.HasPrefix(code, "42") || strings.HasPrefix(code, "0A") {
			return nil
		}
	case MySQL:
		if withheldMySQL[mysqlNumber(err)] {
			return nil
		}
	case SQLite:
		for _, text := range [...]string{"no such table", "no such function", "not authorized"} {
			if strings.Contains(err.Error(), text) {
				return nil
			}
		}
	}
	return err
}

// No right, no such table or column, not understood, not supported.
var withheldMySQL = map[uint16]bool{1044: true, 1054: true, 1064: true, 1109: true, 1142: true, 1143: true, 1146: true, 1227: true, 1235: true, 1305: true, 1370: true}
