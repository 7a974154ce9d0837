-- load
SELECT version, user_id, auth_at, created_at, last_seen, expires_at, ip, user_agent, secret, data
  FROM "sessions"
 WHERE id = ? AND expires_at > 0;

-- create
INSERT INTO "sessions" (id, version, user_id, auth_at, created_at, last_seen, expires_at, sweep_at, ip, user_agent, secret, data)
VALUES (?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- save
UPDATE "sessions"
   SET version = version + 1, user_id = COALESCE(user_id, ?), auth_at = ?, created_at = ?, last_seen = ?, expires_at = ?, sweep_at = ?,
       ip = ?, user_agent = ?, secret = ?, data = ?
 WHERE id = ? AND version = ? AND expires_at > 0 AND (user_id IS NULL OR user_id = ?);

-- touch
UPDATE "sessions"
   SET last_seen = ?, expires_at = ?, sweep_at = ?, ip = ?, user_agent = ?
 WHERE id = ? AND version = ? AND last_seen = ? AND expires_at > 0;

-- remove
UPDATE "sessions"
   SET version = version + 1, expires_at = 0, sweep_at = MIN(sweep_at, ?), secret = ?, data = ?
 WHERE id IN (?) AND expires_at > 0;

-- publish
INSERT INTO "sessions_cutoff" AS known (user_id, cutoff) VALUES (?, ?)
    ON CONFLICT (user_id) DO UPDATE SET cutoff = MAX(known.cutoff, excluded.cutoff);

-- cutoff
SELECT cutoff FROM "sessions_cutoff" WHERE user_id = ?;

-- pick user
SELECT id, user_id
  FROM "sessions" INDEXED BY "sessions_user"
 WHERE user_id = ? AND id > ? AND auth_at < ?
 ORDER BY id
 LIMIT 1000;

-- remove user
UPDATE "sessions"
   SET version = version + 1, expires_at = 0, sweep_at = MIN(sweep_at, ?), secret = ?, data = ?
 WHERE id IN (?) AND user_id = ? AND auth_at < ? AND expires_at > 0;

-- pick due
SELECT id FROM "sessions" WHERE sweep_at <= ? ORDER BY sweep_at LIMIT ?;

-- forget
DELETE FROM "sessions" WHERE id IN (?) AND sweep_at <= ?;

-- forget cutoffs
DELETE FROM "sessions_cutoff" WHERE cutoff < ?;

-- read key
SELECT secret FROM "sessions_keys" WHERE name = ?;

-- add key
INSERT INTO "sessions_keys" (name, secret, made_at) VALUES (?, ?, ?);

-- replace key
UPDATE "sessions_keys" SET secret = ?, made_at = ? WHERE name = ?;

-- list
SELECT id, version, user_id, auth_at, created_at, last_seen, expires_at, ip, user_agent
  FROM "sessions"
 WHERE expires_at > 0 AND id < ?
 ORDER BY id DESC
 LIMIT 51;

-- list of a user
SELECT id, version, user_id, auth_at, created_at, last_seen, expires_at, ip, user_agent, data
  FROM "sessions" INDEXED BY "sessions_user"
 WHERE expires_at > 0 AND user_id = ? AND expires_at > ? AND id < ?
 ORDER BY id DESC
 LIMIT 51;

-- list of anonymous
SELECT id, version, user_id, auth_at, created_at, last_seen, expires_at, ip, user_agent
  FROM "sessions" INDEXED BY "sessions_user"
 WHERE expires_at > 0 AND user_id IS NULL AND id < ?
 ORDER BY id DESC
 LIMIT 51;

-- list of expired
SELECT id, version, user_id, auth_at, created_at, last_seen, expires_at, ip, user_agent
  FROM "sessions" INDEXED BY "sessions_sweep"
 WHERE expires_at > 0 AND user_id IS NOT NULL AND expires_at <= ? AND sweep_at <= ? AND id < ?
 ORDER BY id DESC
 LIMIT 51;

-- list of ids
SELECT id, version, user_id, auth_at, created_at, last_seen, expires_at, ip, user_agent
  FROM "sessions"
 WHERE expires_at > 0 AND id IN (?, ?) AND +user_id = ? AND expires_at <= ? AND +sweep_at <= ? AND +ip BETWEEN ? AND ? AND id < ?
 ORDER BY id DESC
 LIMIT 51;

-- list of ids, anonymous
SELECT id, version, user_id, auth_at, created_at, last_seen, expires_at, ip, user_agent
  FROM "sessions"
 WHERE expires_at > 0 AND id IN (?, ?) AND +user_id IS NULL AND id < ?
 ORDER BY id DESC
 LIMIT 51;

-- count of an address
SELECT COUNT(*) FROM (SELECT ip FROM "sessions" INDEXED BY "sessions_ip" WHERE ip BETWEEN ? AND ? ORDER BY ip LIMIT 10001) AS few;

-- list by address, few
SELECT id, version, user_id, auth_at, created_at, last_seen, expires_at, ip, user_agent
  FROM "sessions" INDEXED BY "sessions_ip"
 WHERE expires_at > 0 AND ip BETWEEN ? AND ? AND id < ?
 ORDER BY id DESC
 LIMIT 51;

-- list by address
SELECT id, version, user_id, auth_at, created_at, last_seen, expires_at, ip, user_agent
  FROM "sessions"
 WHERE expires_at > 0 AND +ip BETWEEN ? AND ? AND +ip NOT BETWEEN ? AND ? AND id < ?
 ORDER BY id DESC
 LIMIT 51;

-- migration 1 sessions
CREATE TABLE IF NOT EXISTS "sessions" (
  id         BLOB    NOT NULL PRIMARY KEY,
  version    INTEGER NOT NULL,
  user_id    INTEGER,             -- NULL: anonymous
  auth_at    INTEGER NOT NULL,        -- all times are microseconds since 1970, 0 is none
  created_at INTEGER NOT NULL,
  last_seen  INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,        -- 0: removed, remembered until swept
  sweep_at   INTEGER NOT NULL,        -- an hour, so that touches change no index
  ip         BLOB,                    -- 16 bytes; IPv4 is mapped
  user_agent TEXT    NOT NULL,
  secret     BLOB    NOT NULL,
  data       BLOB    NOT NULL,
  FOREIGN KEY (user_id) REFERENCES "users" ("id") ON DELETE CASCADE
) STRICT;

CREATE INDEX IF NOT EXISTS "sessions_user" ON "sessions" (user_id, id);

CREATE INDEX IF NOT EXISTS "sessions_sweep" ON "sessions" (sweep_at);

CREATE INDEX IF NOT EXISTS "sessions_ip" ON "sessions" (ip, id);

CREATE TABLE IF NOT EXISTS "sessions_cutoff" (
  user_id TEXT    NOT NULL PRIMARY KEY,
  cutoff  INTEGER NOT NULL
) STRICT;

CREATE INDEX IF NOT EXISTS "sessions_cutoff_at" ON "sessions_cutoff" (cutoff);

CREATE TABLE IF NOT EXISTS "sessions_keys" (
  name    TEXT    NOT NULL PRIMARY KEY,
  secret  BLOB    NOT NULL,
  made_at INTEGER NOT NULL
) STRICT;
