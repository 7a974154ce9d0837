package sweep

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/qsessions/qsessions/core/store"
	"github.com/qsessions/qsessions/tools/bench/stores"
)

const (
	users     = 50_000
	userAgent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
)

var columns = []string{
	"id", "version", "user_id", "auth_at", "created_at", "last_seen", "expires_at", "sweep_at", "ip", "user_agent", "secret", "data",
}

// fill inserts sessions past the store, which would take long, and returns the ids of those that are live. They are of
// the last two days, in the order of their creation, with the live ones evenly among the others.
func fill(ctx context.Context, s *stores.Store, o Options) ([]store.ID, error) {
	if s.Raw == nil {
		return nil, errors.New("not a database")
	}
	var live []store.ID
	all := o.Expired + o.Live
	now := time.Now()
	secret, data := bytes.Repeat([]byte{1}, 107), bytes.Repeat([]byte{1}, o.Bytes)
	row := func(i int) []any {
		created := now.Add(-48*time.Hour + time.Duration(i)*(24*time.Hour)/time.Duration(all))
		expires := created.Add(30 * time.Minute)
		id := store.NewID(created)
		if (i+1)*o.Live/all > i*o.Live/all {
			expires = now.Add(12 * time.Hour)
			live = append(live, id)
		}
		var key any = id[:]
		if s.Name == stores.Postgres {
			key = id.String()
		}
		ip := []byte{10: 0xff, 11: 0xff, 12: 10, 13: byte(i >> 16), 14: byte(i >> 8), 15: byte(i)}
		end := expires.UnixMicro()
		return []any{
			key, 1, fmt.Sprint("user-", i%users), created.UnixMicro(), created.UnixMicro(), created.UnixMicro(), end, end/time.Hour.Microseconds() + 1,
			ip, userAgent, secret, data,
		}
	}
	fill, analyze := fillByInsert, "ANALYZE"
	switch s.Name {
	case stores.Postgres:
		fill = fillByCopy
	case stores.MariaDB:
		analyze = "ANALYZE TABLE qsessions"
	}
	if err := fill(ctx, s.Raw, all, row); err != nil {
		return nil, err
	}
	_, err := s.Raw.ExecContext(ctx, analyze)
	return live, err
}

// fillByCopy leans on lib/pq, which takes the rows of a COPY as executions of it.
func fillByCopy(ctx context.Context, db *sql.DB, n int, row func(i int) []any) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	stmt, err := tx.PrepareContext(ctx, "COPY qsessions ("+strings.Join(columns, ",")+") FROM STDIN")
	if err != nil {
		return err
	}
	for i := range n {
		if _, err := stmt.ExecContext(ctx, row(i)...); err != nil {
			return err
		}
	}
	if _, err := stmt.ExecContext(ctx); err != nil {
		return err
	}
	if err := stmt.Close(); err != nil {
		return err
	}
	return tx.Commit()
}

// together is how many rows one statement inserts.
const together = 500

func fillByInsert(ctx context.Context, db *sql.DB, n int, row func(i int) []any) error {
	tuple := "(" + strings.TrimSuffix(strings.Repeat("?,", len(columns)), ",") + "),"
	text := func(rows int) string {
		return "INSERT INTO qsessions (" + strings.Join(columns, ",") + ") VALUES " + strings.TrimSuffix(strings.Repeat(tuple, rows), ",")
	}
	stmt, err := db.PrepareContext(ctx, text(together))
	if err != nil {
		return err
	}
	defer stmt.Close()
	args := make([]any, 0, together*len(columns))
	for i := range n {
		args = append(args, row(i)...)
		rows := len(args) / len(columns)
		switch {
		case rows == together:
			_, err = stmt.ExecContext(ctx, args...)
		case i == n-1:
			_, err = db.ExecContext(ctx, text(rows), args...)
		default:
			continue
		}
		if err != nil {
			return err
		}
		args = args[:0]
	}
	return nil
}
