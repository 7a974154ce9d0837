package sqlxstore

import (
	"context"
	"database/sql"
	"errors"
	"iter"
	"math"
	"net/netip"
	"strconv"
	"strings"

	"github.com/jmoiron/sqlx"

	"github.com/qsessions/qsessions/core/store"
)

// listPage is how many records List reads at once.
const listPage = 500

// List implements [store.Indexed]. It reads 500 records at a time, and each page to its end before it yields the first of
// it. Every query is served by an index; of one for addresses or for expired records the time depends on how many match.
func (s *Store) List(ctx context.Context, q store.Query) iter.Seq2[*store.Record, error] {
	return func(yield func(*store.Record, error) bool) {
		f, ok := s.filter(&q)
		if !ok {
			if err := ctx.Err(); err != nil {
				yield(nil, s.dialect.fail(ctx, "list", err))
			}
			return
		}
		left := q.Limit
		if left <= 0 {
			left = math.MaxInt
		}
		after := q.After
		for left > 0 {
			var rows []listRow
			size := min(left, listPage)
			err := s.do(ctx, "list", func() (err error) {
				rows, err = s.listRows(ctx, f, after, size)
				return err
			})
			if errors.Is(err, store.ErrNoUser) { // the column does not have such characters
				return
			}
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range rows {
				after = store.ID(rows[i].ID)
				r := rows[i].record(s.config.User.Type)
				if q.User != "" && r.User != q.User { // the column's collation may be less exact
					continue
				}
				left--
				if !yield(r, nil) {
					return
				}
			}
			if len(rows) < size {
				return
			}
		}
	}
}

// A filter is the part of a query that is the same for all of its pages.
type filter struct {
	where []string
	args  []any
	force string
	data  string
}

// The range of IPv4 addresses in the form of ipValue.
var mapped = netip.MustParsePrefix("::ffff:0:0/96")

// filter returns false if no record can match.
func (s *Store) filter(q *store.Query) (*filter, bool) {
	f := &filter{where: []string{"expires_at > 0"}}
	add := func(condition string, args ...any) {
		f.where, f.args = append(f.where, condition), append(f.args, args...)
	}
	if q.Data {
		f.data = ", data"
	}
	if q.User != "" {
		value, ok := s.config.User.Type.userValue(q.User)
		if !ok || q.Kind == store.Anonymous {
			return nil, false
		}
		add("user_id = ?", value)
		f.force = "{force_user}"
	}
	switch q.Kind {
	case store.Users:
		add("user_id IS NOT NULL")
	case store.Anonymous:
		add("user_id IS NULL")
		f.force = "{force_user}"
	}
	if !q.Live.IsZero() {
		add("expires_at > ?", micros(q.Live))
	}
	if !q.Expired.IsZero() {
		// expires_at has no index, sweep_at has.
		add("expires_at <= ? AND sweep_at <= ?", micros(q.Expired), sweepHour(q.Expired))
		if f.force == "" {
			f.force = "{force_sweep}"
		}
	}
	if q.Prefix.IsValid() {
		p := q.Prefix.Masked()
		if p.Addr().Is4In6() { // as netip has it, no address of a record is in such a prefix
			return nil, false
		}
		first, last := bounds(p)
		add("ip BETWEEN ? AND ?", ipValue(first), ipValue(last))
		v4, v4last := bounds(mapped)
		if !p.Addr().Is4() && first.Compare(v4) <= 0 && v4last.Compare(last) <= 0 {
			add("ip NOT BETWEEN ? AND ?", ipValue(v4), ipValue(v4last))
		}
	}
	return f, true
}

// A listRow is a row of list.sql.
type listRow struct {
	ID        idColumn       `db:"id"`
	Version   int64          `db:"version"`
	User      sql.NullString `db:"user_id"`
	AuthAt    int64          `db:"auth_at"`
	CreatedAt int64          `db:"created_at"`
	LastSeen  int64          `db:"last_seen"`
	ExpiresAt int64          `db:"expires_at"`
	IP        []byte         `db:"ip"`
	UserAgent string         `db:"user_agent"`
	Data      []byte         `db:"data"`
}

func (r *listRow) record(t UserType) *store.Record {
	return &store.Record{
		ID: store.ID(r.ID), Version: r.Version, User: t.userText(r.User.String, r.User.Valid),
		AuthenticatedAt: fromMicros(r.AuthAt), CreatedAt: fromMicros(r.CreatedAt), LastSeen: fromMicros(r.LastSeen),
		ExpiresAt: expiryFromMicros(r.ExpiresAt), IP: fromIP(r.IP), UserAgent: r.UserAgent, Data: r.Data,
	}
}

// listRows reads one page. The statement is not kept prepared: there are many forms of it, and PostgreSQL plans one with
// its limit and bounds known better.
func (s *Store) listRows(ctx context.Context, f *filter, after store.ID, size int) ([]listRow, error) {
	text, args := s.listText(f, after, size)
	rows, err := s.db.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var page []listRow
	if err := sqlx.StructScan(rows, &page); err != nil {
		return nil, err
	}
	return page, rows.Close()
}

func (s *Store) listText(f *filter, after store.ID, size int) (string, []any) {
	where, args := f.where, f.args
	if !after.IsZero() {
		where = append(where[:len(where):len(where)], "id < ?")
		args = append(args[:len(args):len(args)], s.dialect.id(after))
	}
	text := strings.NewReplacer("{data}", f.data, "{force}", s.names.Replace(f.force),
		"{where}", strings.Join(where, " AND "), "{limit}", strconv.Itoa(size)).Replace(s.q.list)
	return sqlx.Rebind(s.dialect.bind, text), args
}
