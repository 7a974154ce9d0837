package itest

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/qsessions/qsessions/backend/sqlx"
	"github.com/qsessions/qsessions/conformance/storetest"
	"github.com/qsessions/qsessions/core/store"
)

// An owner is a table of users of the application.
type owner struct {
	name, driver string
	dsn          func(*testing.T) string
	suite        bool // runs the whole of it; the others run the tests below
	kind         sqlxstore.UserType
	table        string // its definition
	insert       string // of an id; with a name that is there before, nothing
}

const insertPG, insertMy, insertLite = "INSERT INTO app_users (id) VALUES ($1) ON CONFLICT DO NOTHING", "INSERT IGNORE INTO app_users (id) VALUES (?)", "INSERT OR IGNORE INTO app_users (id) VALUES (?)"

var owners = []owner{
	{"postgres-integer", "postgres", postgres, true, sqlxstore.Integer, "id integer PRIMARY KEY", insertPG},
	{"postgres-text", "postgres", postgres, false, sqlxstore.Text, "id varchar(300) PRIMARY KEY", insertPG},
	{"pgx-uuid", "pgx", postgres, true, sqlxstore.UUID, "id uuid PRIMARY KEY", insertPG},
	{"pgx-bytes", "pgx", postgres, false, sqlxstore.UUIDBytes, "id bytea PRIMARY KEY", insertPG},
	{"mariadb-integer", "mysql", mariadb, false, sqlxstore.Integer, "id INT UNSIGNED PRIMARY KEY", insertMy},
	{"mariadb-text", "mysql", mariadb, true, sqlxstore.Text, "id VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci PRIMARY KEY", insertMy},
	{"mariadb-uuid-text", "mysql", mariadb, false, sqlxstore.UUID, "id CHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci PRIMARY KEY", insertMy},
	{"mariadb-uuid", "mysql", mariadb, false, sqlxstore.UUID, "id UUID PRIMARY KEY", insertMy},
	{"mariadb-bytes", "mysql", mariadb, true, sqlxstore.UUIDBytes, "id BINARY(16) PRIMARY KEY", insertMy},
	{"sqlite-integer", "sqlite", sqlite, true, sqlxstore.Integer, "id INTEGER PRIMARY KEY", insertLite},
	{"sqlite-text", "sqlite", sqlite, false, sqlxstore.Text, "id TEXT COLLATE NOCASE PRIMARY KEY", insertLite},
	{"sqlite-uuid", "sqlite", sqlite, false, sqlxstore.UUID, "id TEXT PRIMARY KEY", insertLite},
	{"sqlite-bytes", "sqlite", sqlite, false, sqlxstore.UUIDBytes, "id BLOB PRIMARY KEY", insertLite},
}

// lastID makes ids that no test has seen.
var lastID atomic.Int64

// id returns an id for a user of that name, and its value in the database.
func (o owner) id(name string) (id string, value any) {
	n := lastID.Add(1) + 1000
	uuid := fmt.Sprintf("018f2f6e-4f00-7a3b-8c1d-%012x", n)
	switch o.kind {
	case sqlxstore.Integer:
		return strconv.FormatInt(n, 10), n
	case sqlxstore.UUID:
		return uuid, uuid
	case sqlxstore.UUIDBytes:
		b, _ := hex.DecodeString(strings.ReplaceAll(uuid, "-", ""))
		return uuid, b
	}
	return name, name
}

func (o owner) add(ctx context.Context, db *sql.DB, name string) (string, error) {
	id, value := o.id(name)
	_, err := db.ExecContext(ctx, o.insert, value)
	return id, err
}

func (o owner) placeholder() string {
	if o.insert == insertPG {
		return "$1"
	}
	return "?"
}

func (o owner) config() sqlxstore.Config {
	return sqlxstore.Config{User: sqlxstore.UserColumn{Type: o.kind, References: "app_users(id)"}}
}

// users opens a database with a table of users.
func (o owner) users(t *testing.T) (dsn string, db *sql.DB) {
	dsn = o.dsn(t)
	db = pool(t, o.driver, dsn)
	db.SetMaxIdleConns(10)
	if o.driver == "sqlite" {
		db.SetMaxOpenConns(1)
		run(t, db, "PRAGMA journal_mode = WAL", "PRAGMA busy_timeout = 5000", "PRAGMA foreign_keys = ON")
	}
	run(t, db, "CREATE TABLE app_users ("+o.table+")")
	return dsn, db
}

// TestContractUsers runs the contract's suite over foreign keys.
func TestContractUsers(t *testing.T) {
	for _, o := range owners {
		if !o.suite {
			continue
		}
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			_, db := o.users(t)
			nobody, _ := o.id("nobody")
			var n atomic.Int64
			storetest.Run(t, storetest.Config{
				Indexed: true, Keeper: true, Users: true, Rounds: fewRounds,
				Open: func(ctx context.Context) (storetest.Fixture, error) {
					c := o.config()
					c.Table = fmt.Sprintf("s%d", n.Add(1))
					s, err := sqlxstore.New(ctx, db, c)
					if err != nil {
						return storetest.Fixture{}, err
					}
					return storetest.Fixture{
						Store: s, Close: s.Close, Nobody: nobody,
						User: func(ctx context.Context, name string) (string, error) { return o.add(ctx, db, name) },
					}, s.Migrate(ctx)
				},
			})
		})
	}
}

// TestUserCascade: a user that is deleted takes the sessions along, removed ones too, and the cut-off stays.
func TestUserCascade(t *testing.T) {
	for _, o := range owners {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			dsn, db := o.users(t)
			s := migrated(t, o.driver, dsn, o.config())
			ann, value := o.id("ann")
			if _, err := db.ExecContext(t.Context(), o.insert, value); err != nil {
				t.Fatal(err)
			}
			bob, err := o.add(t.Context(), db, "bob")
			if err != nil {
				t.Fatal(err)
			}
			live, dead, others := session(ann), session(ann), session(bob)
			create(t, s, live, dead, others)
			if err := s.Delete(t.Context(), dead.ID); err != nil {
				t.Fatal(err)
			}
			cutoff := live.AuthenticatedAt.Add(-time.Second)
			if _, err := s.DeleteUser(t.Context(), ann, cutoff); err != nil {
				t.Fatal(err)
			}
			if _, err := db.ExecContext(t.Context(), "DELETE FROM app_users WHERE id = "+o.placeholder(), value); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Load(t.Context(), live.ID); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("Load after the user is gone: got %v, want %v", err, store.ErrNotFound)
			}
			if err := s.Save(t.Context(), live); !errors.Is(err, store.ErrConflict) {
				t.Errorf("Save after the user is gone: got %v, want %v", err, store.ErrConflict)
			}
			if err := s.Create(t.Context(), session(ann)); !errors.Is(err, store.ErrNoUser) {
				t.Errorf("Create after the user is gone: got %v, want %v", err, store.ErrNoUser)
			}
			if got, err := s.DeleteUser(t.Context(), ann, time.Now().Add(time.Hour)); len(got) != 0 || err != nil {
				t.Errorf("DeleteUser after the user is gone: got %v, %v", got, err)
			}
			if at, err := s.Cutoff(t.Context(), ann); err != nil || at.Before(cutoff) {
				t.Errorf("Cutoff: got %v, %v", at, err)
			}
			if got := listed(t, s, store.Query{}); !slices.Equal(got, []store.ID{others.ID}) {
				t.Errorf("got %v, want the other user's session", got)
			}
		})
	}
}

// TestUserStrict: BAD-49. Databases find 12 in many texts; here only "12" is 12.
func TestUserStrict(t *testing.T) {
	variants := map[sqlxstore.UserType]struct {
		user string
		not  []string
	}{
		sqlxstore.Integer:   {"12", []string{"12abc", " 12", "12 ", "1.2e1", "+12", "012", "12.0", "0xc", "", "12\x00", "99999999999999999999"}},
		sqlxstore.UUID:      {aUUID, []string{strings.ToUpper(aUUID), "{" + aUUID + "}", strings.ReplaceAll(aUUID, "-", ""), aUUID + " ", " " + aUUID}},
		sqlxstore.UUIDBytes: {aUUID, []string{strings.ToUpper(aUUID), "0123456789abcdef", aUUID + "\x00"}},
		sqlxstore.Text:      {"Ann", []string{"ann", "ANN", "Ann ", "Ann  ", "Änn", "A%", "_nn"}},
	}
	for _, o := range owners {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			dsn, db := o.users(t)
			s := migrated(t, o.driver, dsn, o.config())
			v := variants[o.kind]
			var value any = v.user
			switch o.kind {
			case sqlxstore.Integer:
				value = int64(12)
			case sqlxstore.UUIDBytes:
				value, _ = hex.DecodeString(strings.ReplaceAll(aUUID, "-", ""))
			}
			if _, err := db.ExecContext(t.Context(), o.insert, value); err != nil {
				t.Fatal(err)
			}
			r := session(v.user)
			create(t, s, r)
			later := r.AuthenticatedAt.Add(time.Hour)
			for _, other := range v.not {
				if got := listed(t, s, store.Query{User: other}); other != "" && len(got) != 0 {
					t.Errorf("List of %q found the session of %q", other, v.user)
				}
				if got, err := s.DeleteUser(t.Context(), other, later); len(got) != 0 || err != nil && !strings.Contains(other, "\x00") {
					t.Errorf("DeleteUser of %q: got %v, %v", other, got, err)
				}
				if o.kind != sqlxstore.Text && other != "" {
					if err := s.Create(t.Context(), session(other)); !errors.Is(err, store.ErrNoUser) {
						t.Errorf("Create for %q: got %v, want %v", other, err, store.ErrNoUser)
					}
				}
			}
			if at, err := s.Cutoff(t.Context(), v.user); err != nil || !at.IsZero() {
				t.Errorf("Cutoff of %q: got %v, %v", v.user, at, err)
			}
			if got, err := s.Load(t.Context(), r.ID); err != nil || got.User != v.user {
				t.Errorf("Load: got %+v, %v", got, err)
			}
			if got, err := s.DeleteUser(t.Context(), v.user, later); err != nil || !slices.Equal(got, []store.ID{r.ID}) {
				t.Errorf("DeleteUser of %q: got %v, %v", v.user, got, err)
			}
		})
	}
}

const aUUID = "018f2f6e-4f00-7a3b-8c1d-0123456789ab"

// TestUserReferences: RPT-11. What cannot work is refused with the reason.
func TestUserReferences(t *testing.T) {
	each(t, func(t *testing.T, g target, dsn string) {
		s := open(t, g.driver, dsn, sqlxstore.Config{User: sqlxstore.UserColumn{Type: sqlxstore.Integer, References: "nowhere(id)"}})
		err := s.Migrate(t.Context())
		if g.name == "sqlite" { // it looks for the table when it is used
			return
		}
		if err == nil || !strings.Contains(err.Error(), "nowhere") || strings.Contains(err.Error(), "run Migrate") {
			t.Errorf("Migrate: got %v", err)
		}
		if all, err := s.Migrations(t.Context()); err != nil || !all[0].AppliedAt.IsZero() {
			t.Errorf("after a migration that failed: got %v, %v", all, err)
		}
	})
	t.Run("no key", func(t *testing.T) {
		dsn := sqlite(t)
		c := sqlxstore.Config{User: sqlxstore.UserColumn{References: "users(name)"}}
		db := pool(t, "sqlite", dsn)
		s := migrated(t, "sqlite", dsn, c) // before there are users
		run(t, db, "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)")
		_, err := sqlxstore.Open(t.Context(), "sqlite", dsn, c)
		for _, err := range []error{err, s.Migrate(t.Context())} {
			if err == nil || !strings.Contains(err.Error(), "users(name) is neither a primary key nor unique") {
				t.Errorf("got %v", err)
			}
		}
		run(t, db, "CREATE UNIQUE INDEX names ON users (name)", "INSERT INTO users VALUES (1, 'ann')")
		create(t, open(t, "sqlite", dsn, c), session("ann"))
	})
	t.Run("foreign keys off", func(t *testing.T) {
		db := pool(t, "sqlite", sqlite(t))
		_, err := sqlxstore.New(t.Context(), db, sqlxstore.Config{User: sqlxstore.UserColumn{References: "users(id)"}})
		if err == nil || !strings.Contains(err.Error(), "foreign_keys") {
			t.Errorf("got %v", err)
		}
	})
}
