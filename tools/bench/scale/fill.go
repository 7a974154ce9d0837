package scale

import (
	"context"
	"database/sql"
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/qsessions/qsessions/core/store"
)

const (
	chunk     = 100_000 // rows of one statement
	lifetime  = 12 * time.Hour
	userAgent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
)

// fillText makes rows $1 to $2 of a table for a Set of $3 sessions of $4 users that began at $5, in milliseconds. The server
// makes them up by itself: that is three times as fast as sending them.
const fillText = `INSERT INTO qsessions (id, version, user_id, auth_at, created_at, last_seen, expires_at, sweep_at, ip, user_agent, secret, data)
SELECT (lpad(to_hex(ms), 12, '0') || '7' || substr(sum, 2, 3) || to_hex((('x' || substr(sum, 5, 1))::bit(4) & B'0011' | B'1000')::int) || substr(sum, 6, 15))::uuid,
	1, 'user-' || i % $4::bigint, ms * 1000, ms * 1000, ms * 1000, ms * 1000 + {lifetime}, (ms * 1000 + {lifetime}) / 3600000000 + 1,
	decode('00000000000000000000ffff0a' || lpad(to_hex(i % 16777216), 6, '0'), 'hex'), '{agent}', decode(repeat(sum, 6), 'hex'), decode(repeat(sum, 4), 'hex')
FROM (SELECT i, md5(i::text) AS sum, $5::bigint + i * {span} / $3::bigint AS ms FROM generate_series($1::bigint, $2::bigint) AS i) AS rows`

// FillPostgres fills the table of s, which must be empty. progress is told how many rows there are.
func FillPostgres(ctx context.Context, db *sql.DB, s *Set, progress func(done int)) error {
	text := strings.NewReplacer("{lifetime}", number(lifetime.Microseconds()), "{span}", number(span.Milliseconds()), "{agent}", userAgent).Replace(fillText)
	for from := 0; from < s.N; from += chunk {
		to := min(from+chunk, s.N)
		// PostgreSQL divides as Go does: both are at or above zero.
		if _, err := db.ExecContext(ctx, text, from, to-1, s.N, s.users(), s.Began.UnixMilli()); err != nil {
			return err
		}
		progress(to)
	}
	// What the server has memory for is in it, as after some time of use.
	for _, text := range []string{
		"VACUUM ANALYZE qsessions", "CREATE EXTENSION IF NOT EXISTS pg_prewarm",
		"SELECT pg_prewarm(oid) FROM pg_class WHERE oid = 'qsessions'::regclass OR oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = 'qsessions'::regclass)",
		"CHECKPOINT",
	} {
		if _, err := db.ExecContext(ctx, text); err != nil {
			return err
		}
	}
	return nil
}

// PostgresBytes is how large the table is, with its indexes.
func PostgresBytes(ctx context.Context, db *sql.DB) (n int64, err error) {
	err = db.QueryRowContext(ctx, "SELECT pg_total_relation_size('qsessions')").Scan(&n)
	return n, err
}

// writers create sessions at once.
const writers = 64

// Fill creates the sessions of s by the store itself.
func Fill(ctx context.Context, s *Set, progress func(done int)) error {
	var next, done atomic.Int64
	var wg sync.WaitGroup
	errs := make([]error, writers)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for w := range writers {
		wg.Go(func() {
			for i := int(next.Add(1) - 1); i < s.N && errs[w] == nil; i = int(next.Add(1) - 1) {
				if errs[w] = s.Store.Create(ctx, s.record(i)); errs[w] != nil {
					cancel()
				} else if n := done.Add(1); n%chunk == 0 || n == int64(s.N) {
					progress(int(n))
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// record is the i-th session.
func (s *Set) record(i int) *store.Record {
	began := time.UnixMilli(s.began(i)).UTC()
	id := s.id(i)
	return &store.Record{
		ID: id, User: user(i % s.users()), AuthenticatedAt: began, CreatedAt: began, LastSeen: began, ExpiresAt: began.Add(lifetime),
		IP: netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), UserAgent: userAgent,
		Secret: repeat(id, 6), Data: repeat(id, 4),
	}
}

func repeat(id store.ID, n int) (b []byte) {
	for range n {
		b = append(b, id[:]...)
	}
	return b
}

func number(n int64) string { return strconv.FormatInt(n, 10) }
