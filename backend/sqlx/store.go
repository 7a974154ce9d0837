package sqlxstore

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/qsessions/qsessions/core/store"
)

// A Store keeps sessions in a database. It is made by [New] or [Open], and safe for concurrent use.
type Store struct {
	db       *sql.DB
	owned    bool          // by Open
	idleTime time.Duration // how long a connection may be idle in a pool that is owned; 0: for ever
	config   Config
	dialect  *dialect
	maxData  int
	// keepsSpaces is how many characters a user may have that ends in a space. MySQL cuts spaces that do not fit into the column,
	// without an error: that user would be another one.
	keepsSpaces atomic.Int32
	names       *strings.Replacer
	q           *statements
	waits       bool         // beside the driver, which may not return when a context ends
	beside      atomic.Int64 // calls that wait or have left, where waits is set
	texts       atomic.Int64 // that were sent unprepared
	dropped     atomic.Int64 // when, in nanoseconds since 1970
	closed      atomic.Bool
}

var (
	_ store.Indexed = (*Store)(nil)
	_ store.Keeper  = (*Store)(nil)
)

// New returns a store over db. It asks the server what it is, unless c says so, and whether it can be used; the tables
// may come later, by [Store.Migrate]. db stays the caller's: its driver, pool and Close. On SQLite its connections should
// have a busy_timeout and WAL, as [Open] sets them.
// On MySQL the client charset of the connections must be utf8mb4 or another one in which escaping is safe; one connection is asked,
// so all of them must be set up alike. The error matches [store.ErrUnavailable] or is the context's where the
// server could not be asked; any other says what is wrong.
func New(ctx context.Context, db *sql.DB, c Config) (*Store, error) {
	if db == nil {
		return nil, errors.New("sqlxstore: no database")
	}
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	if c.Dialect == "" {
		if c.Dialect, err = ask(ctx, db); err != nil {
			return nil, err
		}
	}
	d, err := dialectOf(c.Dialect)
	if err != nil {
		return nil, err
	}
	if err := d.check(&c); err != nil {
		return nil, err
	}
	q, err := newStatements(d, &c)
	if err != nil {
		return nil, err
	}
	s := &Store{db: db, config: c, dialect: d, maxData: d.maxData, names: d.names(&c), q: q, waits: !endsInTime(db.Driver())}
	if c.Dialect != MySQL || c.User.References == "" {
		s.keepsSpaces.Store(store.MaxUser)
	}
	if err := s.askServer(ctx); err != nil {
		return nil, err
	}
	if err := s.checkUsers(ctx, "ask the server"); err != nil {
		return nil, err
	}
	return s, nil
}

// closeTime is how long Close waits for servers that do not answer.
const closeTime = 5 * time.Second

// Close releases the prepared statements, and the database if [Open] opened it. Every call that comes later fails with an
// error that matches [store.ErrUnavailable]. Where a server does not answer, Close returns an error after 5 seconds.
func (s *Store) Close() error {
	s.closed.Store(true)
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	err := await(ctx, true, func() error {
		var errs []error
		for _, q := range s.q.all() {
			errs = append(errs, q.close())
		}
		if s.owned {
			errs = append(errs, s.db.Close())
		}
		return errors.Join(errs...)
	})
	if err != nil {
		return fmt.Errorf("sqlxstore: close: %w", err)
	}
	return nil
}

// Load implements [store.Store].
func (s *Store) Load(ctx context.Context, id store.ID) (*store.Record, error) {
	r := store.Record{ID: id}
	var auth, created, seen, expires int64
	var user sql.NullString
	var ip []byte
	to := []any{&r.Version, &user, &auth, &created, &seen, &expires, &ip, &r.UserAgent, &r.Secret, &r.Data}
	key := s.dialect.id(id)
	none := false
	err := s.do(ctx, "load", repeatable, func(c conn) error {
		err := c.queryRow(ctx, &s.q.load, to, key)
		if none = errors.Is(err, sql.ErrNoRows); none {
			return nil
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if none {
		return nil, store.ErrNotFound
	}
	r.User = s.config.User.Type.userText(user.String, user.Valid)
	r.AuthenticatedAt, r.CreatedAt, r.LastSeen = fromMicros(auth), fromMicros(created), fromMicros(seen)
	r.ExpiresAt, r.IP = expiryFromMicros(expires), fromIP(ip)
	return &r, nil
}

// Create implements [store.Store].
func (s *Store) Create(ctx context.Context, r *store.Record) error {
	user, err := s.check(ctx, "create", r)
	if err != nil {
		return err
	}
	args := []any{s.dialect.id(r.ID), user, micros(r.AuthenticatedAt), micros(r.CreatedAt),
		micros(r.LastSeen), expiryMicros(r.ExpiresAt), sweepHour(r.ExpiresAt), ipValue(r.IP), r.UserAgent, blob(r.Secret), blob(r.Data)}
	sent := s.counted(args)
	err = s.do(ctx, "create", once, func(c conn) error {
		_, err := c.exec(ctx, &s.q.create, args...)
		return err
	})
	if err == nil {
		r.Version = 1
	}
	return sent.outcome("create", err)
}

// Save implements [store.Store]. A user that is set stays as the column has it, also where its collation takes two users for
// the same.
func (s *Store) Save(ctx context.Context, r *store.Record) error {
	user, err := s.check(ctx, "save", r)
	if err != nil {
		return err
	}
	err = s.swap(ctx, "save", &s.q.save, user, micros(r.AuthenticatedAt), micros(r.CreatedAt), micros(r.LastSeen),
		expiryMicros(r.ExpiresAt), sweepHour(r.ExpiresAt), ipValue(r.IP), r.UserAgent, blob(r.Secret), blob(r.Data),
		s.dialect.id(r.ID), r.Version, user)
	if err == nil {
		r.Version++
	}
	return err
}

// Touch implements [store.Store].
func (s *Store) Touch(ctx context.Context, r *store.Record, t store.Touch) error {
	if len(t.UserAgent) > store.MaxUserAgent {
		return fmt.Errorf("sqlxstore: touch: %w", store.ErrTooLarge)
	}
	err := s.swap(ctx, "touch", &s.q.touch, micros(t.LastSeen), expiryMicros(t.ExpiresAt), sweepHour(t.ExpiresAt),
		ipValue(t.IP), t.UserAgent, s.dialect.id(r.ID), r.Version, micros(r.LastSeen))
	if err == nil {
		r.LastSeen, r.ExpiresAt, r.IP, r.UserAgent = t.LastSeen, t.ExpiresAt, t.IP, t.UserAgent
	}
	return err
}

// swap runs a statement that changes one row, or none if the row is not what it was. It always changes a value, so that
// MySQL counts the row with and without clientFoundRows.
func (s *Store) swap(ctx context.Context, op string, q *statement, args ...any) error {
	var n int64
	sent := s.counted(args)
	err := s.do(ctx, op, once, func(c conn) (err error) {
		n, err = c.exec(ctx, q, args...)
		return err
	})
	if err == nil && n != 1 {
		return sent.outcome(op, fmt.Errorf("sqlxstore: %s: %w", op, store.ErrConflict))
	}
	return err
}

// check refuses what the columns do not hold, whatever the server's mode would make of it, and returns the user's value.
func (s *Store) check(ctx context.Context, op string, r *store.Record) (user any, err error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("sqlxstore: %s: %w", op, err)
	}
	if len(r.User) > store.MaxUser || len(r.UserAgent) > store.MaxUserAgent || len(r.Secret) > store.MaxSecret || len(r.Data) > s.maxData {
		return nil, fmt.Errorf("sqlxstore: %s: %w", op, store.ErrTooLarge)
	}
	if r.User == "" {
		return nil, nil
	}
	user, ok := s.config.User.Type.userValue(r.User)
	if !ok || strings.HasSuffix(r.User, " ") && utf8.RuneCountInString(r.User) > int(s.keepsSpaces.Load()) {
		return nil, fmt.Errorf("sqlxstore: %s: %w", op, store.ErrNoUser)
	}
	return user, nil
}

// maxList is how many ids one statement has. They are sorted, so that statements lock rows in one order.
const maxList = 500

// Delete implements [store.Store].
func (s *Store) Delete(ctx context.Context, ids ...store.ID) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("sqlxstore: delete: %w", err)
	}
	for chunk := range slices.Chunk(sorted(ids), maxList) {
		err := s.do(ctx, "delete", repeatable, func(c conn) error {
			_, err := c.execList(ctx, &s.q.remove, removalHour(), []byte{}, []byte{}, s.dialect.idList(chunk))
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// removalHour says from when on a Sweep may forget a row that is removed now. It is the one use of this machine's clock,
// and for garbage collection alone.
func removalHour() int64 { return sweepHour(time.Now()) }

// sorted returns ids in order, each once, and leaves the argument as it is.
func sorted(ids []store.ID) []store.ID {
	ids = slices.Clone(ids)
	slices.SortFunc(ids, func(a, b store.ID) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(ids)
}
