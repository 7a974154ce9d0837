package sqlxstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/jmoiron/sqlx"

	"github.com/qsessions/qsessions/core/store"
)

// How many records List reads at once: more where the database sorts all that match for each page.
const (
	listPage   = 500
	sortedPage = 5000
)

// List implements [store.Indexed]. It reads 500 records at a time, without their data up to 5000, and each page to its end
// before it yields the first of it. Every query is served by an index. What it looks at besides what it yields: for expired
// records all that have not been swept; for a user and another filter all of that user; for addresses all that match, and if those are
// more than 10,000, the records that are later than the ones it yields.
func (s *Store) List(ctx context.Context, q store.Query) iter.Seq2[*store.Record, error] {
	return func(yield func(*store.Record, error) bool) {
		if len(q.IDs) > store.MaxIDs {
			yield(nil, fmt.Errorf("sqlxstore: list: %w: more than %d ids", store.ErrTooLarge, store.MaxIDs))
			return
		}
		few, err := s.few(ctx, &q)
		if err != nil {
			yield(nil, err)
			return
		}
		f, ok := s.filter(&q, wayOf(&q, few))
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
			var rows []*store.Record
			size := min(left, f.page)
			err := s.do(ctx, "list", repeatable, func(c conn) (err error) {
				rows, err = c.listRows(ctx, f, after, size)
				return err
			})
			if errors.Is(err, store.ErrNoUser) { // the column does not have such characters
				return
			}
			if err != nil {
				yield(nil, err)
				return
			}
			for _, r := range rows {
				after = r.ID
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
	form
	where []string
	args  []any
	data  string
	page  int // how many records are read at once
}

// The range of IPv4 addresses in the form of ipValue.
var mapped = netip.MustParsePrefix("::ffff:0:0/96")

// filter returns false if no record can match.
func (s *Store) filter(q *store.Query, w way) (*filter, bool) {
	f := &filter{form: s.dialect.form(w), where: []string{"expires_at > 0"}, page: listPage}
	if w.sorts() && !q.Data {
		f.page = sortedPage
	}
	add := func(condition string, args ...any) {
		f.where, f.args = append(f.where, condition), append(f.args, args...)
	}
	if q.Data {
		f.data = ", data"
	}
	if len(q.IDs) > 0 {
		condition, args := s.dialect.anyID(q.IDs)
		add("id "+condition, args...)
	}
	if q.User != "" {
		value, ok := s.config.User.Type.userValue(q.User)
		if !ok || q.Kind == store.Anonymous {
			return nil, false
		}
		add(f.user, slices.Repeat([]any{value}, strings.Count(f.user, "?"))...)
	}
	switch q.Kind {
	case store.Users:
		add(f.owner + " IS NOT NULL")
	case store.Anonymous:
		add(f.owner + " IS NULL")
	}
	if !q.Live.IsZero() {
		add("expires_at > ?", micros(q.Live))
	}
	if !q.Expired.IsZero() {
		add("expires_at <= ? AND "+f.due+" <= ?", micros(q.Expired), sweepHour(q.Expired))
	}
	if q.Prefix.IsValid() {
		p := q.Prefix.Masked()
		if p.Addr().Is4In6() { // as netip has it, no address of a record is in such a prefix
			return nil, false
		}
		first, last := bounds(p)
		add(f.ip+" BETWEEN ? AND ?", ipValue(first), ipValue(last))
		v4, v4last := bounds(mapped)
		if !p.Addr().Is4() && first.Compare(v4) <= 0 && v4last.Compare(last) <= 0 {
			add(f.ip+" NOT BETWEEN ? AND ?", ipValue(v4), ipValue(v4last))
		}
	}
	return f, true
}

// scanRecord reads a row of list.sql, whose data is there if data is set.
func scanRecord(rows *sql.Rows, t UserType, data bool) (*store.Record, error) {
	r := &store.Record{}
	var user sql.NullString
	var auth, created, seen, expires int64
	var ip sql.RawBytes
	to := [...]any{(*idColumn)(&r.ID), &r.Version, &user, &auth, &created, &seen, &expires, &ip, &r.UserAgent, &r.Data}
	n := len(to)
	if !data {
		n--
	}
	if err := rows.Scan(to[:n]...); err != nil {
		return nil, err
	}
	r.User = t.userText(user.String, user.Valid)
	r.AuthenticatedAt, r.CreatedAt, r.LastSeen = fromMicros(auth), fromMicros(created), fromMicros(seen)
	r.ExpiresAt, r.IP = expiryFromMicros(expires), fromIP(ip)
	return r, nil
}

// listRows reads one page. The statement is not kept prepared: there are many forms of it, and PostgreSQL plans one with
// its limit and bounds known better.
func (c conn) listRows(ctx context.Context, f *filter, after store.ID, size int) ([]*store.Record, error) {
	text, args := c.s.listText(f, after, size)
	rows, err := c.queryText(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	page := make([]*store.Record, 0, min(size, listPage))
	for rows.Next() {
		r, err := scanRecord(rows, c.s.config.User.Type, f.data != "")
		if err != nil {
			return nil, err
		}
		page = append(page, r)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return page, rows.Close()
}

func (s *Store) listText(f *filter, after store.ID, size int) (string, []any) {
	where, args := f.where, f.args
	if !after.IsZero() {
		where = append(where[:len(where):len(where)], f.id+" < ?")
		args = append(args[:len(args):len(args)], s.dialect.id(after))
	}
	text := strings.NewReplacer("{data}", f.data, "{force}", s.names.Replace(f.force),
		"{where}", strings.Join(where, " AND "), "{order}", f.first+f.id+" DESC", "{limit}", strconv.Itoa(size)).Replace(s.q.list)
	return sqlx.Rebind(s.dialect.bind, text), args
}
