package itest

import (
	"errors"
	"strings"
	"testing"

	"github.com/qsessions/qsessions/backend/sqlx"
	"github.com/qsessions/qsessions/core/store"
)

// A userColumn is a definition of users(id), and the types that an application may give for it.
type userColumn struct {
	definition string
	text       string // as the server calls it
	fit        []sqlxstore.UserType
	insert     string // a literal of one user
	user       string // the same user as a string
}

const (
	asText, asInteger, asUUID, asBytes = sqlxstore.Text, sqlxstore.Integer, sqlxstore.UUID, sqlxstore.UUIDBytes
	uuidLiteral                        = "'" + aUUID + "'"
	hexLiteral                         = "018f2f6e4f007a3b8c1d0123456789ab"
)

var userColumns = map[string][]userColumn{
	"postgres": {
		{"smallint PRIMARY KEY", "smallint", []sqlxstore.UserType{asInteger}, "2", "2"},
		{"integer PRIMARY KEY", "integer", []sqlxstore.UserType{asInteger}, "2", "2"},
		{"bigint PRIMARY KEY", "bigint", []sqlxstore.UserType{asInteger}, "2", "2"},
		{"numeric(30) PRIMARY KEY", "numeric(30,0)", []sqlxstore.UserType{asInteger}, "2", "2"},
		{"text PRIMARY KEY", "text", []sqlxstore.UserType{asText}, "'ann'", "ann"},
		{"varchar(50) PRIMARY KEY", "character varying(50)", []sqlxstore.UserType{asText}, "'ann'", "ann"},
		{"char(26) PRIMARY KEY", "character(26)", []sqlxstore.UserType{asText}, "'ann'", "ann"},
		{"uuid PRIMARY KEY", "uuid", []sqlxstore.UserType{asUUID}, uuidLiteral, aUUID},
		{"bytea PRIMARY KEY", "bytea", []sqlxstore.UserType{asBytes}, `'\x` + hexLiteral + `'`, aUUID},
		{"name_of_user PRIMARY KEY", "character varying(9)", []sqlxstore.UserType{asText}, "'ann'", "ann"}, // a domain of a domain
		{"timestamp PRIMARY KEY", "timestamp without time zone", nil, "", ""},
		{"name PRIMARY KEY", "name", nil, "", ""},
		{"numeric(9,2) PRIMARY KEY", "numeric(9,2)", nil, "", ""},
		{"citext PRIMARY KEY", "citext", nil, "", ""},
	},
	"mariadb": {
		{"INT UNSIGNED PRIMARY KEY", "int(10) unsigned", []sqlxstore.UserType{asInteger}, "2", "2"},
		{"SMALLINT PRIMARY KEY", "smallint(6)", []sqlxstore.UserType{asInteger}, "2", "2"},
		{"BIGINT UNSIGNED PRIMARY KEY", "bigint(20) unsigned", []sqlxstore.UserType{asInteger}, "2", "2"},
		{"VARCHAR(50) PRIMARY KEY", "varchar(50)", []sqlxstore.UserType{asText, asUUID}, "'ann'", "ann"},
		{"VARCHAR(20) CHARACTER SET latin1 PRIMARY KEY", "varchar(20)", []sqlxstore.UserType{asText}, "'ann'", "ann"},
		{"CHAR(36) PRIMARY KEY", "char(36)", []sqlxstore.UserType{asText, asUUID}, uuidLiteral, aUUID},
		{"BINARY(16) PRIMARY KEY", "binary(16)", []sqlxstore.UserType{asBytes}, "UNHEX('" + hexLiteral + "')", aUUID},
		{"VARBINARY(16) PRIMARY KEY", "varbinary(16)", []sqlxstore.UserType{asBytes, asText}, "", ""},
		{"VARBINARY(64) PRIMARY KEY", "varbinary(64)", []sqlxstore.UserType{asText, asUUID}, "'ann'", "ann"},
		{"UUID PRIMARY KEY", "uuid", []sqlxstore.UserType{asUUID}, uuidLiteral, aUUID},
		{"INT ZEROFILL PRIMARY KEY", "int(10) unsigned zerofill", nil, "", ""},
		{"BINARY(20) PRIMARY KEY", "binary(20)", nil, "", ""},
		{"DECIMAL(20,0) PRIMARY KEY", "decimal(20,0)", nil, "", ""},
		{"ENUM('2', '1') PRIMARY KEY", "enum('2','1')", nil, "", ""},
		{"YEAR PRIMARY KEY", "year(4)", nil, "", ""},
		{"INET6 PRIMARY KEY", "inet6", nil, "", ""},
	},
	"sqlite": {
		{"INTEGER PRIMARY KEY", "INTEGER", []sqlxstore.UserType{asInteger}, "2", "2"},
		{"BIGINT UNSIGNED PRIMARY KEY", "BIGINT UNSIGNED", []sqlxstore.UserType{asInteger}, "2", "2"},
		{"NUMERIC PRIMARY KEY", "NUMERIC", []sqlxstore.UserType{asInteger}, "2", "2"},
		{"STRING PRIMARY KEY", "STRING", []sqlxstore.UserType{asInteger}, "2", "2"},
		{"VARCHAR(50) PRIMARY KEY", "VARCHAR(50)", []sqlxstore.UserType{asText, asUUID}, "'ann'", "ann"},
		{"TEXT PRIMARY KEY", "TEXT", []sqlxstore.UserType{asText, asUUID}, "'ann'", "ann"},
		{"UUID PRIMARY KEY", "UUID", []sqlxstore.UserType{asUUID, asBytes}, "", ""},
		{"BINARY(16) PRIMARY KEY", "BINARY(16)", []sqlxstore.UserType{asBytes}, "x'" + hexLiteral + "'", aUUID},
		{"BLOB PRIMARY KEY", "BLOB", []sqlxstore.UserType{asBytes}, "x'" + hexLiteral + "'", aUUID},
		{"DOUBLE PRIMARY KEY", "DOUBLE", nil, "", ""},
	},
}

var typeNames = map[sqlxstore.UserType]string{asText: "Text", asInteger: "Integer", asUUID: "UUID", asBytes: "UUIDBytes"}

// TestUserTypes: RPT-11. A type of users under which the database would convert, so that "02" is user 2, or under which no user can
// sign in, is refused by New, and by Migrate where the table of users is younger than the store.
func TestUserTypes(t *testing.T) {
	each(t, func(t *testing.T, g target, dsn string) {
		db := pool(t, g.driver, dsn)
		if g.name == "sqlite" {
			run(t, db, "PRAGMA journal_mode = WAL")
		}
		columns := userColumns[g.name]
		if g.name == "postgres" {
			run(t, db, "CREATE DOMAIN short AS varchar(9)", "CREATE DOMAIN name_of_user AS short CHECK (value <> '')")
			if _, err := db.ExecContext(t.Context(), "CREATE EXTENSION citext"); err != nil {
				t.Logf("without citext: %v", err)
				columns = columns[:len(columns)-1]
			}
		}
		for _, k := range columns {
			for kind, name := range typeNames {
				want := "sqlxstore: User.Type is " + name + ", users(id) is " + k.text
				var wants []string
				fits := false
				for _, f := range k.fit {
					wants = append(wants, typeNames[f])
					fits = fits || f == kind
				}
				if len(wants) > 0 {
					want += ": want " + strings.Join(wants, " or ")
				}
				c := sqlxstore.Config{User: sqlxstore.UserColumn{Type: kind, References: "users(id)"}}
				later := open(t, g.driver, dsn, c) // before there is a table
				run(t, db, "CREATE TABLE users (id "+k.definition+")")
				s, err := sqlxstore.Open(t.Context(), g.driver, dsn, c)
				err2 := later.Migrate(t.Context())
				if !fits {
					for by, err := range map[string]error{"Open": err, "Migrate": err2} {
						if err == nil || !strings.HasPrefix(err.Error(), want) || errors.Is(err, store.ErrUnavailable) {
							t.Errorf("%s with %s: %s: got %v, want %s", k.definition, name, by, err, want)
						}
					}
					run(t, db, "DROP TABLE users")
					continue
				}
				if err != nil || err2 != nil {
					t.Fatalf("%s with %s: %v, %v", k.definition, name, err, err2)
				}
				if k.user != "" && (kind == k.fit[0] || k.user == aUUID) {
					run(t, db, "INSERT INTO users VALUES ("+k.insert+")")
					r := session(k.user)
					create(t, s, r)
					if got, err := s.Load(t.Context(), r.ID); err != nil || got.User != k.user {
						t.Errorf("%s with %s: Load: got %+v, %v", k.definition, name, got, err)
					}
				}
				s.Close()
				run(t, db, "DROP TABLE qsessions", "DROP TABLE qsessions_cutoff", "DROP TABLE qsessions_keys", "DROP TABLE qsessions_migrations", "DROP TABLE users")
			}
		}
	})
}

// TestUserTypesOwn: RPT-11. A type that is not that of the sessions' own column is refused: it was forgotten, or has changed.
func TestUserTypesOwn(t *testing.T) {
	each(t, func(t *testing.T, g target, dsn string) {
		for kind, name := range typeNames {
			c := sqlxstore.Config{Table: "s_" + strings.ToLower(name), User: sqlxstore.UserColumn{Type: kind}}
			migrated(t, g.driver, dsn, c)
			for other := range typeNames {
				c.User.Type = other
				s, err := sqlxstore.New(t.Context(), pool(t, g.driver, dsn), c)
				sameText := g.name != "postgres" && (kind == asUUID && other == asText || kind == asText && other == asUUID) // the same text
				switch {
				case other == kind || sameText:
					if err != nil {
						t.Errorf("%s over %s: %v", typeNames[other], name, err)
						continue
					}
					s.Close()
				case err == nil || !strings.HasPrefix(err.Error(), "sqlxstore: User.Type is "+typeNames[other]+", s_"+strings.ToLower(name)+"(user_id) is ") || !strings.Contains(err.Error(), "want "):
					t.Errorf("%s over %s: got %v", typeNames[other], name, err)
				}
			}
		}
	})
}

// TestUserTypesRange: RPT-11. A number that the column of users does not reach is no user.
func TestUserTypesRange(t *testing.T) {
	each(t, func(t *testing.T, g target, dsn string) {
		run(t, pool(t, g.driver, dsn), "CREATE TABLE users (id SMALLINT PRIMARY KEY)", "INSERT INTO users VALUES (2), (-1)")
		s := migrated(t, g.driver, dsn, sqlxstore.Config{User: sqlxstore.UserColumn{Type: asInteger, References: "users(id)"}})
		create(t, s, session("2"), session("-1"))
		for _, user := range []string{"65538", "9223372036854775807", "9223372036854775808", "18446744073709551615", "-65537", "02", "2.0", " 2", "+2", "-0"} {
			if err := s.Create(t.Context(), session(user)); !errors.Is(err, store.ErrNoUser) {
				t.Errorf("Create for %s: got %v, want %v", user, err, store.ErrNoUser)
			}
			if ids := listed(t, s, store.Query{User: user}); len(ids) != 0 {
				t.Errorf("List of %s: got %v", user, ids)
			}
		}
	})
}
