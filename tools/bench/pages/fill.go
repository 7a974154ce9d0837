package pages

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/qsessions/qsessions/tools/bench/stores"
)

// Rows of the servers' own making: sending a million takes three times as long. They began within a day and are live; one in
// ten is anonymous; addresses are spread over 10.0.0.0/8, browsers are of 40 kinds.
var fillTexts = map[string]string{
	stores.Postgres: `INSERT INTO qsessions (id, version, user_id, auth_at, created_at, last_seen, expires_at, sweep_at, ip, user_agent, secret, data)
SELECT (lpad(to_hex(ms), 12, '0') || '70008' || lpad(to_hex(i), 15, '0'))::uuid, 1, CASE WHEN i % 10 = 0 THEN NULL ELSE 'user-' || i % {users} END,
	ms * 1000, ms * 1000, ms * 1000, ms * 1000 + {lifetime}, (ms * 1000 + {lifetime}) / 3600000000 + 1,
	decode('00000000000000000000ffff0a' || lpad(to_hex(i * 7919 % 16777216), 6, '0'), 'hex'),
	'Mozilla/5.0 (X11; Linux x86_64; rv:' || 100 + i % 40 || '.0) Gecko/20100101 Firefox/' || 100 + i % 40 || '.0',
	decode(repeat(md5(i::text), 6), 'hex'), decode(repeat(md5(i::text), 16), 'hex')
FROM (SELECT i, {began} + i * {span} / {n} AS ms FROM generate_series({from}::bigint, {to}) AS i) AS s`,
	stores.MariaDB: `INSERT INTO qsessions (id, version, user_id, auth_at, created_at, last_seen, expires_at, sweep_at, ip, user_agent, secret, data)
SELECT UNHEX(CONCAT(LPAD(HEX(ms), 12, '0'), '70008', LPAD(HEX(i), 15, '0'))), 1, CASE WHEN i % 10 = 0 THEN NULL ELSE CONCAT('user-', i % {users}) END,
	ms * 1000, ms * 1000, ms * 1000, ms * 1000 + {lifetime}, (ms * 1000 + {lifetime}) DIV 3600000000 + 1,
	UNHEX(CONCAT('00000000000000000000FFFF0A', LPAD(HEX(i * 7919 % 16777216), 6, '0'))),
	CONCAT('Mozilla/5.0 (X11; Linux x86_64; rv:', 100 + i % 40, '.0) Gecko/20100101 Firefox/', 100 + i % 40, '.0'),
	UNHEX(REPEAT(MD5(i), 6)), UNHEX(REPEAT(MD5(i), 16))
FROM (SELECT seq AS i, {began} + seq * {span} DIV {n} AS ms FROM seq_{from}_to_{to}) AS s`,
	stores.SQLite: `WITH RECURSIVE s(i, ms) AS (SELECT {from}, {began} + {from} * {span} / {n} UNION ALL SELECT i + 1, {began} + (i + 1) * {span} / {n} FROM s WHERE i < {to})
INSERT INTO qsessions (id, version, user_id, auth_at, created_at, last_seen, expires_at, sweep_at, ip, user_agent, secret, data)
SELECT unhex(printf('%012x70008%015x', ms, i)), 1, CASE WHEN i % 10 = 0 THEN NULL ELSE 'user-' || i % {users} END,
	ms * 1000, ms * 1000, ms * 1000, ms * 1000 + {lifetime}, (ms * 1000 + {lifetime}) / 3600000000 + 1,
	unhex(printf('00000000000000000000ffff0a%06x', i * 7919 % 16777216)),
	printf('Mozilla/5.0 (X11; Linux x86_64; rv:%d.0) Gecko/20100101 Firefox/%d.0', 100 + i % 40, 100 + i % 40),
	zeroblob(96), zeroblob(256) FROM s`,
}

// afterwards is what the servers would do by themselves, some time later.
var afterwards = map[string][]string{
	stores.Postgres: {"VACUUM ANALYZE qsessions", "CHECKPOINT"},
	stores.MariaDB:  {"ANALYZE TABLE qsessions"},
}

const (
	span     = 24 * time.Hour
	lifetime = 48 * time.Hour
	chunk    = 50_000 // rows of one statement: more would take longer than a connection waits
)

// Fill makes n sessions of so many users, user-0 and so on, in the empty table of s.
func Fill(ctx context.Context, s *stores.Store, n, users int) error {
	r := strings.NewReplacer("{began}", fmt.Sprint(time.Now().Add(-span).UnixMilli()), "{span}", fmt.Sprint(span.Milliseconds()),
		"{lifetime}", fmt.Sprint(lifetime.Microseconds()), "{n}", fmt.Sprint(n), "{users}", fmt.Sprint(users))
	text := r.Replace(fillTexts[s.Name])
	for from := 0; from < n; from += chunk {
		r := strings.NewReplacer("{from}", fmt.Sprint(from), "{to}", fmt.Sprint(min(from+chunk, n)-1))
		if _, err := s.Raw.ExecContext(ctx, r.Replace(text)); err != nil {
			return fmt.Errorf("fill: %w", err)
		}
	}
	for _, text := range afterwards[s.Name] {
		if _, err := s.Raw.ExecContext(ctx, text); err != nil {
			return fmt.Errorf("fill: %w", err)
		}
	}
	return nil
}
