package sqlxstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

// DeleteUser implements [store.Indexed]. Each of its statements is committed by itself, and the first one before the
// second starts: a login that writes its record and then asks for the cut-off is seen here, or sees it.
// The records go a thousand at a time. An error after the first of them comes with the ids of those that are gone, and
// of those that may be.
func (s *Store) DeleteUser(ctx context.Context, user string, cutoff time.Time, keep ...store.ID) ([]store.ID, error) {
	const op = "delete user"
	if len(user) > store.MaxUser {
		return nil, fmt.Errorf("sqlxstore: %s: %w", op, store.ErrTooLarge)
	}
	at := micros(cutoff)
	err := s.do(ctx, op, repeatable, func(c conn) error {
		_, err := c.exec(ctx, &s.q.publish, user, at)
		return err
	})
	value, ok := s.config.User.Type.userValue(user)
	if err != nil || !ok {
		return nil, err
	}
	var gone []store.ID
	for p := (page{more: true}); p.more; {
		var next page
		err := s.do(ctx, op, repeatable, func(c conn) (err error) {
			next, err = c.pick(ctx, p.last, user, value, at)
			return err
		})
		if errors.Is(err, store.ErrNoUser) { // the column does not have such characters
			return gone, nil
		}
		if err != nil {
			return gone, err
		}
		p = next
		ids := slices.DeleteFunc(p.ids, func(id store.ID) bool { return slices.Contains(keep, id) })
		if len(ids) == 0 {
			continue
		}
		gone = append(gone, ids...)
		err = s.do(ctx, op, repeatable, func(c conn) error {
			_, err := c.execList(ctx, &s.q.removeUser, removalHour(), []byte{}, []byte{}, s.dialect.idList(ids), value, at)
			return err
		})
		if err != nil {
			return gone, err
		}
	}
	return gone, nil
}

// pickSize is the LIMIT in pick_user.sql.
const pickSize = 1000

// A page is a part of a user's records in the order of their ids.
type page struct {
	ids  []store.ID
	last store.ID
	more bool
}

// pick reads the page behind last: records that were removed before, and are remembered, are in it.
func (c conn) pick(ctx context.Context, last store.ID, user string, value any, before int64) (p page, err error) {
	rows, err := c.query(ctx, &c.s.q.pickUser, value, c.s.dialect.id(last), before)
	if err != nil {
		return p, err
	}
	defer rows.Close()
	p.last = last
	n := 0
	for rows.Next() {
		var id idColumn
		var of sql.NullString
		if err := rows.Scan(&id, &of); err != nil {
			return p, err
		}
		p.last, n = store.ID(id), n+1
		// A column that refers to another has that one's collation, which may find "Ann" for "ann".
		if c.s.config.User.Type.userText(of.String, of.Valid) == user {
			p.ids = append(p.ids, p.last)
		}
	}
	if err := rows.Err(); err != nil {
		return p, err
	}
	p.more = n == pickSize
	return p, rows.Close()
}

// Cutoff implements [store.Indexed].
func (s *Store) Cutoff(ctx context.Context, user string) (time.Time, error) {
	var at int64
	err := s.do(ctx, "cutoff", repeatable, func(c conn) error {
		err := c.queryRow(ctx, &s.q.cutoff, []any{&at}, user)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	if err != nil {
		return time.Time{}, err
	}
	return fromMicros(at), nil
}

// Sweep implements [store.Indexed]. It leaves what has ended in the hour of the given time. One call is one or two short statements,
// so it forgets no more than 1000 records even if limit is higher (MySQL: 500, SQLite: 200): call it until it returns 0.
func (s *Store) Sweep(ctx context.Context, before time.Time, limit int) (int, error) {
	const op = "sweep"
	limit = min(limit, s.dialect.sweepBatch)
	hour := lastSweepHour(before)
	for {
		var ids []store.ID
		err := s.do(ctx, op, repeatable, func(c conn) (err error) {
			ids, err = c.pickDue(ctx, hour, limit)
			return err
		})
		if err != nil {
			return 0, err
		}
		var n int64
		if len(ids) > 0 {
			err = s.do(ctx, op, repeatable, func(c conn) (err error) {
				n, err = c.execList(ctx, &s.q.forget, s.dialect.idList(sorted(ids)), hour)
				return err
			})
			if err != nil {
				return 0, err
			}
		}
		if len(ids) < limit {
			err = s.do(ctx, op, repeatable, func(c conn) error {
				_, err := c.exec(ctx, &s.q.forgetCutoffs, micros(before.Add(-24*time.Hour)))
				return err
			})
			return int(n), err
		}
		if n > 0 { // none: another sweeper was faster, and 0 would say that all is done
			return int(n), nil
		}
	}
}

func (c conn) pickDue(ctx context.Context, hour int64, limit int) ([]store.ID, error) {
	rows, err := c.query(ctx, &c.s.q.pickDue, hour, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	ids := make([]store.ID, 0, limit)
	for rows.Next() {
		var id idColumn
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, store.ID(id))
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return ids, rows.Close()
}
