package itest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/qsessions/qsessions/backend/sqlx"
	"github.com/qsessions/qsessions/conformance/storetest"
	"github.com/qsessions/qsessions/core/store"
)

// checkThenWrite asks for the cut-off before it writes, and not after: a DeleteUser between the two misses the login. One that
// is called waits a moment before it begins, as on a busy server, and a login that has asked meanwhile is written when it is
// over.
type checkThenWrite struct {
	*sqlxstore.Store
	seen sync.Map // user -> the cut-off as it was before the write

	mu   sync.Mutex
	over chan struct{} // closed when the DeleteUser that is under way is; nil: there is none
}

func (s *checkThenWrite) before(ctx context.Context, user string) error {
	s.mu.Lock()
	over := s.over
	s.mu.Unlock()
	at, err := s.Store.Cutoff(ctx, user)
	s.seen.Store(user, at)
	if over != nil {
		select {
		case <-over:
		case <-time.After(100 * time.Millisecond): // another one began before it was
		}
	}
	return err
}

func (s *checkThenWrite) DeleteUser(ctx context.Context, user string, cutoff time.Time, keep ...store.ID) ([]store.ID, error) {
	over := make(chan struct{})
	s.mu.Lock()
	s.over = over
	s.mu.Unlock()
	<-time.After(5 * time.Millisecond)
	gone, err := s.Store.DeleteUser(ctx, user, cutoff, keep...)
	s.mu.Lock()
	s.over = nil
	s.mu.Unlock()
	close(over)
	return gone, err
}

func (s *checkThenWrite) Create(ctx context.Context, r *store.Record) error {
	return errors.Join(s.before(ctx, r.User), s.Store.Create(ctx, r))
}

func (s *checkThenWrite) Save(ctx context.Context, r *store.Record) error {
	if err := s.before(ctx, r.User); err != nil {
		return err
	}
	return s.Store.Save(ctx, r)
}

func (s *checkThenWrite) Cutoff(ctx context.Context, user string) (time.Time, error) {
	if at, ok := s.seen.LoadAndDelete(user); ok {
		return at.(time.Time), nil
	}
	return s.Store.Cutoff(ctx, user)
}

// oneTransaction makes the cut-off known and removes in one transaction, so nobody sees the cut-off before the records
// were looked for. It takes a moment in between, as a busy server would, and a login that comes meanwhile is written in
// that moment.
type oneTransaction struct {
	*sqlxstore.Store
	db    *sql.DB
	table string

	mu     sync.Mutex
	looked chan struct{} // closed when the DeleteUser that is under way has looked for records; nil: there is none
}

func (s *oneTransaction) begin() (looked chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looked = make(chan struct{})
	return s.looked
}

func (s *oneTransaction) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looked = nil
}

func (s *oneTransaction) wait() {
	s.mu.Lock()
	looked := s.looked
	s.mu.Unlock()
	if looked != nil {
		select {
		case <-looked:
		case <-time.After(100 * time.Millisecond): // that of another DeleteUser, which failed
		}
	}
}

func (s *oneTransaction) Create(ctx context.Context, r *store.Record) error {
	s.wait()
	return s.Store.Create(ctx, r)
}

func (s *oneTransaction) Save(ctx context.Context, r *store.Record) error {
	s.wait()
	return s.Store.Save(ctx, r)
}

func (s *oneTransaction) DeleteUser(ctx context.Context, user string, cutoff time.Time, keep ...store.ID) (gone []store.ID, err error) {
	looked := s.begin()
	defer s.end()
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	_, err = tx.ExecContext(ctx, `INSERT INTO `+s.table+`_cutoff AS c VALUES ($1, $2) ON CONFLICT (user_id) DO UPDATE SET cutoff = GREATEST(c.cutoff, excluded.cutoff)`, user, cutoff.UnixMicro())
	if err != nil {
		return nil, err
	}
	rows, err := tx.QueryContext(ctx, `SELECT id FROM `+s.table+` WHERE user_id = $1 AND auth_at < $2`, user, cutoff.UnixMicro())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		id, err := store.ParseID(text)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(keep, id) {
			gone = append(gone, id)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	close(looked)
	if _, err := tx.ExecContext(ctx, `SELECT pg_sleep(0.01)`); err != nil {
		return nil, err
	}
	for _, id := range gone {
		if _, err := tx.ExecContext(ctx, `UPDATE `+s.table+` SET version = version + 1, expires_at = 0, secret = '', data = '' WHERE id = $1 AND expires_at > 0`, id.String()); err != nil {
			return nil, err
		}
	}
	return gone, tx.Commit()
}

// rebinding goes by the version alone when a Save has another user.
type rebinding struct {
	*sqlxstore.Store
	db    *sql.DB
	table string
}

func (s *rebinding) Save(ctx context.Context, r *store.Record) error {
	if _, err := s.db.ExecContext(ctx, `UPDATE `+s.table+` SET user_id = NULLIF($1, '') WHERE id = $2 AND version = $3 AND expires_at > 0`, r.User, r.ID.String(), r.Version); err != nil {
		return err
	}
	return s.Store.Save(ctx, r)
}

// replacing makes a key where it found none, whatever has come meanwhile.
type replacing struct {
	*sqlxstore.Store
	db    *sql.DB
	table string
}

func (s *replacing) Key(ctx context.Context, name string) ([]byte, error) {
	var key []byte
	err := s.db.QueryRowContext(ctx, `SELECT secret FROM `+s.table+`_keys WHERE name = $1`, name).Scan(&key)
	if !errors.Is(err, sql.ErrNoRows) {
		return key, err
	}
	key = make([]byte, store.KeySize)
	_, _ = rand.Read(key)
	_, err = s.db.ExecContext(ctx, `INSERT INTO `+s.table+`_keys VALUES ($1, $2, 0) ON CONFLICT (name) DO UPDATE SET secret = excluded.secret`, name, key)
	return key, err
}

// TestWrong: SEC-11, SEC-12, ATK-1. Stores that look right, and lose a race or change a user on PostgreSQL, are caught by the case
// that is about it.
func TestWrong(t *testing.T) {
	for _, k := range []struct {
		name, by string
		make     func(s *sqlxstore.Store, db *sql.DB, table string) store.Indexed
	}{
		{"goes by the version alone", "save/keeps-user", func(s *sqlxstore.Store, db *sql.DB, table string) store.Indexed {
			return &rebinding{s, db, table}
		}},
		{"looks, then makes a key", "race/key", func(s *sqlxstore.Store, db *sql.DB, table string) store.Indexed {
			return &replacing{s, db, table}
		}},
		{"check, then write", "race/login-deleteuser", func(s *sqlxstore.Store, _ *sql.DB, _ string) store.Indexed { return &checkThenWrite{Store: s} }},
		{"one transaction", "race/login-deleteuser", func(s *sqlxstore.Store, db *sql.DB, table string) store.Indexed {
			return &oneTransaction{Store: s, db: db, table: table}
		}},
	} {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			dsn := postgres(t)
			db := pool(t, "pgx", dsn)
			db.SetMaxIdleConns(10)
			var n atomic.Int64
			err := storetest.Check(t.Context(), storetest.Config{
				Indexed: true,
				Keeper:  true,
				Rounds:  20,
				Open: func(ctx context.Context) (storetest.Fixture, error) {
					table := fmt.Sprintf("s%d", n.Add(1))
					s, err := sqlxstore.New(ctx, db, sqlxstore.Config{Table: table})
					if err != nil {
						return storetest.Fixture{}, err
					}
					return storetest.Fixture{Store: k.make(s, db, table), Close: s.Close}, s.Migrate(ctx)
				},
			})
			var caught []string
			for _, v := range violations(err) {
				caught = append(caught, v.Case.Name)
			}
			if !slices.Contains(caught, k.by) {
				t.Errorf("%s did not catch it; caught by %q: %v", k.by, caught, err)
			}
			t.Logf("caught by %q", caught)
		})
	}
}

func violations(err error) (all []*storetest.Violation) {
	if v, ok := errors.AsType[*storetest.Violation](err); ok && err == error(v) {
		return []*storetest.Violation{v}
	}
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range j.Unwrap() {
			all = append(all, violations(e)...)
		}
	}
	return all
}
