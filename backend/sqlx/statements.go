package sqlxstore

import (
	"context"
	"database/sql"
	"embed"
	"strings"
	"sync/atomic"

	"github.com/jmoiron/sqlx"
)

//go:embed sql schema
var files embed.FS

// statementText returns the text of a file in the form that d reads.
func (d *dialect) statementText(file string, names *strings.Replacer) (string, error) {
	b, err := files.ReadFile("sql/" + file + ".sql")
	if err != nil {
		return "", err
	}
	text := names.Replace(strings.TrimSpace(string(b)))
	if strings.Contains(text, "IN (?)") { // rebound when the list is known
		return text, nil
	}
	return sqlx.Rebind(d.bind, text), nil
}

// statements are those of a Store, each made once.
type statements struct {
	load, create, save, touch, cutoff, publish, pickUser, pickDue, countIP, forgetCutoffs statement
	keyRead, keyAdd, keyReplace                                                           statement
	remove, removeUser, forget                                                            statement // with a list of ids
	list                                                                                  string    // with placeholders of its own
}

func newStatements(d *dialect, c *Config) (*statements, error) {
	var q statements
	names := d.names(c)
	for file, to := range map[string]*string{
		"load": &q.load.text, "create": &q.create.text, "save": &q.save.text, "touch": &q.touch.text,
		"cutoff": &q.cutoff.text, "publish_" + string(d.name): &q.publish.text,
		"pick_user": &q.pickUser.text, "pick_due": &q.pickDue.text, "count_ip": &q.countIP.text, "forget_cutoffs": &q.forgetCutoffs.text,
		"key_read": &q.keyRead.text, "key_add": &q.keyAdd.text, "key_replace": &q.keyReplace.text,
		"remove": &q.remove.text, "remove_user": &q.removeUser.text, "forget": &q.forget.text, "list": &q.list,
	} {
		text, err := d.statementText(file, names)
		if err != nil {
			return nil, err
		}
		*to = text
	}
	return &q, nil
}

// A statement is prepared when it is first used. database/sql prepares it again on each connection.
type statement struct {
	text string
	stmt atomic.Pointer[sql.Stmt]
}

// prepared holds no lock while the server prepares, so that each caller waits no longer than its own context.
func (q *statement) prepared(ctx context.Context, db *sql.DB) (*sql.Stmt, error) {
	if stmt := q.stmt.Load(); stmt != nil {
		return stmt, nil
	}
	stmt, err := db.PrepareContext(ctx, q.text)
	if err != nil || q.stmt.CompareAndSwap(nil, stmt) {
		return stmt, err
	}
	_ = stmt.Close() // another caller was faster
	return q.stmt.Load(), nil
}

func (q *statement) close() error {
	if stmt := q.stmt.Load(); stmt != nil {
		return stmt.Close()
	}
	return nil
}

func (s *Store) queryRow(ctx context.Context, q *statement, to []any, args ...any) error {
	if s.config.NoPrepare {
		return s.db.QueryRowContext(ctx, q.text, args...).Scan(to...)
	}
	stmt, err := q.prepared(ctx, s.db)
	if err != nil {
		return err
	}
	return stmt.QueryRowContext(ctx, args...).Scan(to...)
}

func (s *Store) query(ctx context.Context, q *statement, args ...any) (*sql.Rows, error) {
	if s.config.NoPrepare {
		return s.db.QueryContext(ctx, q.text, args...)
	}
	stmt, err := q.prepared(ctx, s.db)
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(ctx, args...)
}

// exec returns the number of rows.
func (s *Store) exec(ctx context.Context, q *statement, args ...any) (int64, error) {
	if s.config.NoPrepare {
		return affected(s.db.ExecContext(ctx, q.text, args...))
	}
	stmt, err := q.prepared(ctx, s.db)
	if err != nil {
		return 0, err
	}
	return affected(stmt.ExecContext(ctx, args...))
}

// execList is exec for a statement with a list of ids. Where each length of the list is another text, it is not kept
// prepared.
func (s *Store) execList(ctx context.Context, q *statement, args ...any) (int64, error) {
	if s.dialect.idArray {
		return s.exec(ctx, q, args...)
	}
	text, expanded, err := sqlx.In(q.text, args...)
	if err != nil {
		return 0, err
	}
	return affected(s.db.ExecContext(ctx, sqlx.Rebind(s.dialect.bind, text), expanded...))
}

func affected(r sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}
