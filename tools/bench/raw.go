package bench

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/tools/bench/stores"
)

// raw is the floor of a database: prepared statements on the same table, without this library.
type raw struct {
	ctx                    context.Context
	selects, update, write *sql.Stmt
	textIDs                bool
	rows                   []*store.Record // one for each worker
}

// newRaw prepares statements that move the bytes of rows.
func newRaw(ctx context.Context, s *stores.Store, rows []*store.Record) (*raw, error) {
	r := &raw{ctx: ctx, rows: rows, textIDs: s.Name == stores.Postgres}
	bind := sqlx.QUESTION
	if s.Name == stores.Postgres {
		bind = sqlx.DOLLAR
	}
	for to, text := range map[**sql.Stmt]string{
		&r.selects: `SELECT version, user_id, auth_at, created_at, last_seen, expires_at, ip, user_agent, secret, data FROM qsessions WHERE id = ?`,
		&r.update: `UPDATE qsessions SET version = version + 1, user_id = ?, auth_at = ?, created_at = ?, last_seen = ?, expires_at = ?, sweep_at = ?, ip = ?,
			user_agent = ?, secret = ?, data = ? WHERE id = ? AND version = ?`,
		&r.write: `INSERT INTO qsessions (user_id, auth_at, created_at, last_seen, expires_at, sweep_at, ip, user_agent, secret, data, id, version)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
	} {
		var err error
		if *to, err = s.Raw.PrepareContext(ctx, sqlx.Rebind(bind, text)); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (r *raw) id(id store.ID) any {
	if r.textIDs {
		return id.String()
	}
	return id[:]
}

// read selects the worker's row by its primary key.
func (r *raw) read(worker, n int) error {
	id := r.rows[worker].ID
	for range n {
		var version, auth, created, seen, expires int64
		var user sql.NullString
		var agent string
		var ip, secret, data []byte
		err := r.selects.QueryRowContext(r.ctx, r.id(id)).Scan(&version, &user, &auth, &created, &seen, &expires, &ip, &agent, &secret, &data)
		if err != nil || len(data) < 900 {
			return fmt.Errorf("raw select: %d bytes: %w", len(data), err)
		}
	}
	return nil
}

// columns are those of the record that a save writes.
func (r *raw) columns(row *store.Record, data []byte) []any {
	now := time.Now().UnixMicro()
	ip := row.IP.As16()
	return []any{
		row.User, row.AuthenticatedAt.UnixMicro(), row.CreatedAt.UnixMicro(), now, row.ExpiresAt.UnixMicro(), row.ExpiresAt.UnixMicro()/3_600_000_000 + 1,
		ip[:], row.UserAgent, row.Secret, data, r.id(row.ID), row.Version,
	}
}

// modify updates the worker's row by its primary key and version.
func (r *raw) modify(worker, n int) error {
	row := r.rows[worker]
	for range n {
		row.Data[len(row.Data)-1] ^= 1 // it changes something
		done, err := r.update.ExecContext(r.ctx, r.columns(row, row.Data)...)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n != 1 {
			return fmt.Errorf("raw update: %d rows: %w", n, err)
		}
		row.Version++
	}
	return nil
}

// readAndModify does both: no request can change a session that it has not read.
func (r *raw) readAndModify(worker, n int) error {
	for range n {
		if err := r.read(worker, 1); err != nil {
			return err
		}
		if err := r.modify(worker, 1); err != nil {
			return err
		}
	}
	return nil
}

// create inserts a row like the worker's.
func (r *raw) create(worker, n int) error {
	row := *r.rows[worker]
	for range n {
		row.ID, row.Version = store.NewID(time.Now()), 1
		if _, err := r.write.ExecContext(r.ctx, r.columns(&row, row.Data)...); err != nil {
			return err
		}
	}
	return nil
}
