package itest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/qsessions/qsessions/backend/sqlx"
	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/testserver"
)

// A foreign hides which driver a recorder is in front of, as drivers that trace do.
type foreign struct{ *recorder }

func (f foreign) Driver() driver.Driver { return foreignDriver{f.recorder.Driver()} }

type foreignDriver struct{ driver.Driver }

// traced opens a pool by a driver that this package's store does not know.
func traced(t *testing.T, name, dsn string) *sql.DB {
	r, _ := record(t, name, dsn)
	db := sql.OpenDB(foreign{r})
	t.Cleanup(func() { db.Close() })
	return db
}

// ways are those in which a store comes to a pool.
var ways = []string{"Open", "New", "traced"}

// by opens a store over one connection, with its tables, one of those ways.
func by(t *testing.T, way string, g target, dsn string, c sqlxstore.Config) *sqlxstore.Store {
	t.Helper()
	if way == "Open" {
		c.MaxOpenConns = 1
		return migrated(t, g.driver, dsn, c)
	}
	if c.NoPrepare {
		dsn = with(dsn, map[string]string{"pgx": "default_query_exec_mode=exec", "postgres": "binary_parameters=yes", "mysql": "interpolateParams=true"}[g.driver])
	}
	var db *sql.DB
	if way == "New" {
		db = pool(t, g.driver, dsn)
	} else {
		db = traced(t, g.driver, dsn)
	}
	db.SetMaxOpenConns(1)
	s, err := sqlxstore.New(t.Context(), db, c)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestLostReply: RPT-4, FLT-12. A write whose reply is lost, at once or in the middle, has an unknown outcome, with any driver: it is
// neither a conflict nor a record that is there already, though database/sql sends what lib/pq has sent once more. And what is a
// conflict is one.
func TestLostReply(t *testing.T) {
	for _, g := range servers {
		for _, way := range ways {
			for _, noPrepare := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/NoPrepare=%t", g.name, way, noPrepare), func(t *testing.T) {
					p, dsn := behind(t, g.addr(t), g.dsn(t))
					s := by(t, way, g.target, dsn, sqlxstore.Config{NoPrepare: noPrepare})
					visit(t.Context(), t, s) // prepares
					fresh := func() *store.Record {
						r := session("ann")
						create(t, s, r)
						touch := store.Touch{LastSeen: r.LastSeen.Add(time.Second), ExpiresAt: r.ExpiresAt}
						if err := s.Touch(t.Context(), r, touch); err != nil {
							t.Fatal(err)
						}
						if err := s.Save(t.Context(), r); err != nil {
							t.Fatal(err)
						}
						return r
					}
					for name, call := range map[string]func(context.Context, *store.Record) error{
						"Create": func(ctx context.Context, _ *store.Record) error { return s.Create(ctx, session("ann")) },
						"Save":   s.Save,
						"Touch": func(ctx context.Context, r *store.Record) error {
							return s.Touch(ctx, r, store.Touch{LastSeen: r.LastSeen.Add(time.Second), ExpiresAt: r.ExpiresAt})
						},
					} {
						for n := range int64(2) {
							r := fresh()
							p.CutReplies(n)
							if err := call(t.Context(), r); !errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrExists) {
								t.Errorf("%s, %d bytes of the reply: got %v, want %v", name, n, err, store.ErrUnavailable)
							}
							p.CutReplies(-1)
						}
					}
					r := fresh()
					old := r.Clone()
					old.Version--
					if err := s.Save(t.Context(), old); !errors.Is(err, store.ErrConflict) {
						t.Errorf("Save of an old version: got %v, want %v", err, store.ErrConflict)
					}
					if err := s.Touch(t.Context(), old, store.Touch{}); !errors.Is(err, store.ErrConflict) {
						t.Errorf("Touch of an old version: got %v, want %v", err, store.ErrConflict)
					}
					if err := s.Create(t.Context(), r.Clone()); !errors.Is(err, store.ErrExists) {
						t.Errorf("Create again: got %v, want %v", err, store.ErrExists)
					}
				})
			}
		}
	}
}

// TestLostReplyBehindPooler: RPT-3, RPT-4, FLT-12. PgBouncer reports a server that it has lost with the code of a prepared statement that is
// refused (08P01). The write may have been executed all the same.
func TestLostReplyBehindPooler(t *testing.T) {
	for _, driver := range []string{"pgx", "postgres"} {
		t.Run(driver, func(t *testing.T) {
			server := testserver.Postgres(t)
			p, dsn := behind(t, server.Addr, server.DSN)
			bouncer, err := testserver.StartPgBouncer(t.Context(), &testserver.Server{Kind: testserver.KindPostgres, DSN: dsn}, testserver.Options{Args: []string{"default_pool_size=1"}})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(bouncer.Stop)
			s := migrated(t, driver, bouncer.Database(t), sqlxstore.Config{NoPrepare: true})
			visit(t.Context(), t, s)
			for name, call := range map[string]func(context.Context, *store.Record) error{
				"Create": func(ctx context.Context, _ *store.Record) error { return s.Create(ctx, session("ann")) },
				"Save":   s.Save,
				"Touch": func(ctx context.Context, r *store.Record) error {
					return s.Touch(ctx, r, store.Touch{LastSeen: r.LastSeen.Add(time.Second), ExpiresAt: r.ExpiresAt})
				},
			} {
				r := session("ann")
				create(t, s, r)
				p.CutReplies(0)
				if err := call(t.Context(), r); !errors.Is(err, store.ErrUnavailable) {
					t.Errorf("%s: got %v, want %v", name, err, store.ErrUnavailable)
				} else {
					t.Log(err)
				}
				p.CutReplies(-1)
				if _, err := s.Load(t.Context(), r.ID); err != nil {
					t.Errorf("afterwards: %v", err)
				}
			}
		})
	}
}
