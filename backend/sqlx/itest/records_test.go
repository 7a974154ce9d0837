package itest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/qsessions/qsessions/backend/sqlx"
	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/testserver"
)

// TestUserAgents: BAD-20, BAD-21. What has been cleaned is kept to the byte, up to the limit. What has not is kept or
// refused: never cut, never changed, never in an error.
func TestUserAgents(t *testing.T) {
	cleaned := []string{
		"", "Mozilla/5.0", "tab\ufffdnul\ufffd", "e\u0301\u0301\u0301 \u202e", "\U0001f600\U0001f9d1\u200d\U0001f680", "it's \"q\" \\ ; -- % _ ? $1 $$ :x",
		strings.Repeat("\U0001f600", store.MaxUserAgent/4), strings.Repeat("x", store.MaxUserAgent), " trailing ",
	}
	raw := []string{"s3cret\x00nul", "s3cret\xff\xfe", "s3cret\xed\xa0\x80", "s3cret\r\nX: y"}
	each(t, func(t *testing.T, g target, dsn string) {
		for name, c := range map[string]sqlxstore.Config{"prepared": {}, "direct": direct} {
			s := migrated(t, g.driver, dsn, c)
			for _, ua := range append(cleaned, raw...) {
				r := session("")
				r.UserAgent = ua
				err := s.Create(t.Context(), r)
				if err != nil && (slices.Contains(cleaned, ua) || strings.Contains(err.Error(), "s3cret")) {
					t.Errorf("%s: Create with %q: %v", name, ua, err)
				}
				got, loadErr := s.Load(t.Context(), r.ID)
				if err == nil && (loadErr != nil || got.UserAgent != ua) {
					t.Errorf("%s: Load with %q: got %+v, %v", name, ua, got, loadErr)
				}
				if err != nil && !errors.Is(loadErr, store.ErrNotFound) {
					t.Errorf("%s: Create with %q failed, but Load: %v", name, ua, loadErr)
				}
			}
			r := session("")
			r.UserAgent = strings.Repeat("x", store.MaxUserAgent+1)
			if err := s.Create(t.Context(), r); !errors.Is(err, store.ErrTooLarge) {
				t.Errorf("%s: Create with a User-Agent that is too long: got %v, want %v", name, err, store.ErrTooLarge)
			}
		}
	})
}

// TestUserBytes: BAD-49. Users that a collation takes for the same are others.
func TestUserBytes(t *testing.T) {
	users := []string{"abc", "AbC", "ABC", "abc ", "abc  ", " abc", "äbc", "ab\u0063\u0301", "abć", "a_c", "a%c", "abc\x01", strings.Repeat("u", store.MaxUser)}
	each(t, func(t *testing.T, g target, dsn string) {
		s := migrated(t, g.driver, dsn, sqlxstore.Config{})
		all := map[string]store.ID{}
		for _, u := range users {
			r := session(u)
			create(t, s, r)
			all[u] = r.ID
		}
		for _, u := range users {
			if got := listed(t, s, store.Query{User: u}); !slices.Equal(got, []store.ID{all[u]}) {
				t.Errorf("List of %q: got %v, want %v", u, got, all[u])
			}
			if got, err := s.DeleteUser(t.Context(), u, time.Now().Add(time.Hour)); err != nil || !slices.Equal(got, []store.ID{all[u]}) {
				t.Errorf("DeleteUser of %q: got %v, %v, want %v", u, got, err, all[u])
			}
		}
		long := strings.Repeat("u", 10<<10)
		if err := s.Create(t.Context(), session(long)); !errors.Is(err, store.ErrTooLarge) {
			t.Errorf("Create for a user of 10 KiB: got %v, want %v", err, store.ErrTooLarge)
		}
		if _, err := s.DeleteUser(t.Context(), long, time.Now()); !errors.Is(err, store.ErrTooLarge) {
			t.Errorf("DeleteUser of 10 KiB: got %v, want %v", err, store.ErrTooLarge)
		}
		if got := listed(t, s, store.Query{User: long}); len(got) != 0 {
			t.Errorf("List of 10 KiB: got %v", got)
		}
	})
}

// TestNothingChanges: BAD-50. A Save or Touch that changes no value is still counted, with and without clientFoundRows.
func TestNothingChanges(t *testing.T) {
	for _, g := range append([]target{{name: "mariadb-found-rows", driver: "mysql", dsn: mariadb, options: "clientFoundRows=true"}}, kinds...) {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			s := migrated(t, g.driver, with(g.dsn(t), g.options), sqlxstore.Config{})
			r := session("ann")
			create(t, s, r)
			stale := r.Clone()
			for range 3 {
				if err := s.Save(t.Context(), r); err != nil {
					t.Errorf("Save without a change: %v", err)
				}
			}
			if err := s.Touch(t.Context(), r, store.Touch{LastSeen: r.LastSeen.Add(time.Microsecond), ExpiresAt: r.ExpiresAt, IP: r.IP, UserAgent: r.UserAgent}); err != nil {
				t.Errorf("Touch with the same values: %v", err)
			}
			if err := s.Save(t.Context(), stale); !errors.Is(err, store.ErrConflict) {
				t.Errorf("Save of an old version: got %v, want %v", err, store.ErrConflict)
			}
			for range 2 {
				if err := s.Delete(t.Context(), r.ID, r.ID); err != nil {
					t.Errorf("Delete: %v", err)
				}
			}
		})
	}
}

// TestZeroID: CVE-51. A zero id, and ids that are a part of another, find nothing.
func TestZeroID(t *testing.T) {
	each(t, func(t *testing.T, g target, dsn string) {
		s := migrated(t, g.driver, dsn, sqlxstore.Config{})
		r := session("ann")
		r.ID[15] = 0
		create(t, s, r, session("ann"))
		part := r.ID
		part[14] = 0
		for _, id := range []store.ID{{}, part, {0: r.ID[0]}} {
			if _, err := s.Load(t.Context(), id); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("Load of %x: got %v, want %v", id, err, store.ErrNotFound)
			}
			if err := s.Delete(t.Context(), id); err != nil {
				t.Errorf("Delete of %x: %v", id, err)
			}
		}
		if got := listed(t, s, store.Query{}); len(got) != 2 {
			t.Errorf("%d records are left, want 2", len(got))
		}
	})
}

// TestPacket: BAD-42. A record that the server would not take as one packet is refused here, and the connection lives.
func TestPacket(t *testing.T) {
	testserver.MariaDB(t) // says what is missing
	server, err := testserver.Start(t.Context(), testserver.KindMariaDB, testserver.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	dsn := server.Database(t)
	run(t, pool(t, "mysql", dsn), "SET GLOBAL max_allowed_packet = 1048576")
	for name, c := range map[string]sqlxstore.Config{"prepared": {}, "direct": direct} {
		s := migrated(t, "mysql", dsn, c)
		r := session("ann")
		create(t, s, r)
		kept := bytes.Repeat([]byte{0, '\'', '\\', 'x'}, 500<<10/4)
		for _, k := range []struct {
			size int
			want error
		}{{500 << 10, nil}, {1 << 20, store.ErrTooLarge}, {3 << 20, store.ErrTooLarge}} {
			r.Data = bytes.Repeat([]byte{0, '\'', '\\', 'x'}, k.size/4)
			if err := s.Save(t.Context(), r); !errors.Is(err, k.want) {
				t.Errorf("%s: Save of %d bytes: got %v, want %v", name, k.size, err, k.want)
			}
		}
		if got, err := s.Load(t.Context(), r.ID); err != nil || !bytes.Equal(got.Data, kept) {
			t.Errorf("%s: after a Save that was refused: %v", name, err)
		}
	}
}

// TestOpenErrors: a server that is not there, or refuses, is ErrUnavailable, and the password stays out.
func TestOpenErrors(t *testing.T) {
	const password = "s3cr3tpw"
	for driver, dsns := range map[string][]string{
		"postgres": {"postgres://u:" + password + "@127.0.0.1:1/db", "host=127.0.0.1 port=1 user=u password=" + password, "postgres://u:" + password + "@127.0.0.1:x/db", "postgres://u:" + password + "@127.0.0.1/db?sslmode=nonsense"},
		"pgx":      {"postgres://u:" + password + "@127.0.0.1:1/db", "host=127.0.0.1 port=1 user=u password=" + password, "postgres://u:" + password + "@127.0.0.1:x/db", "host=127.0.0.1 port=x password=" + password},
		"mysql":    {"u:" + password + "@tcp(127.0.0.1:1)/db", "u:" + password + "@nonsense/db"},
		"sqlite":   {"/nowhere/" + password + "/x.db"},
	} {
		for _, dsn := range dsns {
			s, err := sqlxstore.Open(t.Context(), driver, dsn, sqlxstore.Config{})
			if err == nil {
				t.Errorf("%s: no error", driver)
				_ = s.Close()
			} else if strings.Contains(err.Error(), password) && driver != "sqlite" {
				t.Errorf("%s: the error has the password: %v", driver, err)
			}
			if err != nil && (strings.Contains(dsn, ":1") || strings.Contains(dsn, "port=1 ")) && !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("%s: got %v, want %v", driver, err, store.ErrUnavailable)
			}
		}
	}
}

// TestNew: the server is asked what it is, and a pool that would never commit is refused.
func TestNew(t *testing.T) {
	each(t, func(t *testing.T, g target, dsn string) {
		db := pool(t, g.driver, dsn)
		s, err := sqlxstore.New(t.Context(), db, sqlxstore.Config{})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		create(t, s, session("ann"))
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if _, err := s.Load(t.Context(), store.ID{1}); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("Load after Close: got %v, want %v", err, store.ErrUnavailable)
		}
		if err := db.PingContext(t.Context()); err != nil {
			t.Errorf("Close has closed the caller's database: %v", err)
		}
		if g.name == "mariadb" {
			_, err := sqlxstore.Open(t.Context(), g.driver, with(dsn, "autocommit=0"), sqlxstore.Config{})
			if err == nil || !strings.Contains(err.Error(), "autocommit") {
				t.Errorf("with autocommit off: got %v", err)
			}
		}
	})
}

// TestSchemaQualified: tables may be in a schema, or in another database, beside the default one.
func TestSchemaQualified(t *testing.T) {
	for _, g := range kinds[:2] {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			dsn := g.dsn(t)
			db := pool(t, g.driver, dsn)
			name := "Sessions"
			if g.name == "postgres" {
				run(t, db, `CREATE SCHEMA "Auth"`, `CREATE TABLE "Auth"."order" (id bigint PRIMARY KEY)`, `INSERT INTO "Auth"."order" VALUES (12)`)
				name = "Auth." + name
			} else {
				var database string
				if err := db.QueryRowContext(t.Context(), "SELECT DATABASE()").Scan(&database); err != nil {
					t.Fatal(err)
				}
				run(t, db, "CREATE TABLE `order` (id INT UNSIGNED PRIMARY KEY)", "INSERT INTO `order` VALUES (12)")
				name = database + "." + name
			}
			reference := strings.Replace(name, "Sessions", "order(id)", 1)
			s := migrated(t, g.driver, dsn, sqlxstore.Config{Table: name, User: sqlxstore.UserColumn{Type: sqlxstore.Integer, References: reference}})
			r := session("12")
			create(t, s, r)
			if got, err := s.DeleteUser(t.Context(), "12", time.Now().Add(time.Hour)); err != nil || fmt.Sprint(got) != fmt.Sprint([]store.ID{r.ID}) {
				t.Errorf("got %v, %v, want %v", got, err, r.ID)
			}
			if n, err := s.Sweep(t.Context(), time.Now().Add(100*time.Hour), 10); n != 1 || err != nil {
				t.Errorf("Sweep: got %d, %v", n, err)
			}
			if err := s.Migrate(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}
