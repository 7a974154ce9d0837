package sqlxstore

import (
	"context"

	"github.com/qsessions/qsessions/core/store"
)

// A way is the index that List reads by. Planners do not choose well here: they know how often a filter matches, but not
// that those rows are the earliest ones, and read a million of them in the order of ids to find fifty.
type way uint8

const (
	byAny way = iota
	byUser
	bySweep
	byIP
	byID  // though there is a filter for addresses
	byIDs // of those ids alone
)

// wayOf returns the way for q. few says that few rows have an address that q asks for.
func wayOf(q *store.Query, few bool) way {
	switch {
	case len(q.IDs) > 0:
		return byIDs
	case q.User != "":
		return byUser
	case q.Prefix.IsValid() && few:
		return byIP
	case !q.Expired.IsZero():
		return bySweep // expires_at has no index
	case q.Kind == store.Anonymous:
		return byUser
	case q.Prefix.IsValid():
		return byID
	}
	return byAny
}

// sorts reports whether the rows do not come in the order of ids, so that each page costs reading all of them.
func (w way) sorts() bool { return w == bySweep || w == byIP }

// A form is how a statement makes the database go a way.
type form struct {
	force  string // after the name of the table
	id, ip string // the columns
	first  string // in the order, before the id
	user   string // the condition, with the user's value for each placeholder
	due    string // the column
	owner  string // the column
}

func (d *dialect) form(w way) form {
	f := form{id: "id", ip: "ip", user: "user_id = ?", due: "sweep_at", owner: "user_id"}
	switch {
	case w == byIDs && d.forceID == "":
		// The other conditions are on few rows, and no reason to go by another index.
		f.ip, f.due, f.owner = d.unindexed("ip"), d.unindexed("sweep_at"), d.unindexed("user_id")
		f.user = f.owner + " = ?"
	case d.force != "":
		f.force = [...]string{"", "{force_user}", "{force_sweep}", "{force_ip}", "{force_id}", "{force_id}"}[w]
		if w == byID && d.forceID == "" {
			f.ip = d.unindexed("ip")
		}
	case w == byUser:
		// PostgreSQL has no hints. Only one index has this order; with equality it would not be looked at.
		f.first, f.user = "user_id DESC, ", "user_id BETWEEN ? AND ?"
	case w.sorts():
		f.id = d.unindexed("id") // no index has that order
	}
	return f
}

// unindexed returns an expression that is the column, and that no index has.
func (d *dialect) unindexed(column string) string {
	if d.name == Postgres {
		return "LEAST(" + column + ")"
	}
	return "+" + column
}

// maxFew is how many rows List reads for one page by their addresses. If more match, they are frequent enough to be found in the
// order of ids.
const maxFew = 10_000

// few reports whether no more rows than maxFew have an address that q asks for.
func (s *Store) few(ctx context.Context, q *store.Query) (bool, error) {
	if !q.Prefix.IsValid() || q.Prefix.Addr().Is4In6() || q.User != "" || len(q.IDs) > 0 {
		return false, nil
	}
	first, last := bounds(q.Prefix)
	var n int
	err := s.do(ctx, "list", repeatable, func(c conn) error {
		return c.queryRow(ctx, &s.q.countIP, []any{&n}, ipValue(first), ipValue(last))
	})
	return err == nil && n <= maxFew, err
}
