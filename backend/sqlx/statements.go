package sqlxstore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

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

func (q *statements) all() []*statement {
	return []*statement{
		&q.load, &q.create, &q.save, &q.touch, &q.cutoff, &q.publish, &q.pickUser, &q.pickDue, &q.countIP, &q.forgetCutoffs,
		&q.keyRead, &q.keyAdd, &q.keyReplace, &q.remove, &q.removeUser, &q.forget,
	}
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

	mu      sync.Mutex // held while stmt is replaced
	retired []*sql.Stmt
	renewed time.Time
}

// prepared holds no lock while the server prepares, so that each caller waits no longer than its own context.
func (q *statement) prepared(ctx context.Context, db *sql.DB) (*sql.Stmt, error) {
	if stmt := q.stmt.Load(); stmt != nil {
		return stmt, nil
	}
	stmt, err := db.PrepareContext(ctx, q.numbered())
	if err != nil || q.stmt.CompareAndSwap(nil, stmt) {
		return stmt, err
	}
	_ = stmt.Close() // another caller was faster
	return q.prepared(ctx, db)
}

// numbered returns the text with the number of its preparation: pgx prepares no text twice on a connection.
func (q *statement) numbered() string {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.retired) == 0 {
		return q.text
	}
	return q.text + "\n-- " + strconv.Itoa(len(q.retired))
}

// minRenewal is the least time between two renewals of a statement. It doubles with each, as the server of one that is refused again
// and again keeps all of them.
const (
	minRenewal   = time.Minute
	maxDoublings = 16
)

// renew makes the next caller prepare q anew, in the place of stmt, which the server refuses on some connections: after a
// change of the table, or because it has forgotten it. The old one is closed with the store: that waits for connections
// that others use, and for the server.
func (q *statement) renew(stmt *sql.Stmt) {
	q.mu.Lock()
	defer q.mu.Unlock()
	pause := minRenewal << min(len(q.retired), maxDoublings) / 2
	if time.Since(q.renewed) >= pause && q.stmt.CompareAndSwap(stmt, nil) {
		q.retired, q.renewed = append(q.retired, stmt), time.Now()
	}
}

func (q *statement) close() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	var errs []error
	for _, stmt := range append(q.retired, q.stmt.Load()) {
		if stmt != nil {
			errs = append(errs, stmt.Close())
		}
	}
	return errors.Join(errs...)
}
