-- load
SELECT version, user_id, auth_at, created_at, last_seen, expires_at, ip, user_agent, secret, data
  FROM "app"."sessions"
 WHERE id = $1 AND expires_at > 0 AND 1 / (CASE current_setting('transaction_read_only') WHEN 'off' THEN 1 ELSE 0 END) = 1;

-- create
INSERT INTO "app"."sessions" (id, version, user_id, auth_at, created_at, last_seen, expires_at, sweep_at, ip, user_agent, secret, data)
VALUES ($1, 1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);

-- save
UPDATE "app"."sessions"
   SET version = version + 1, user_id = COALESCE(user_id, $1), auth_at = $2, created_at = $3, last_seen = $4, expires_at = $5, sweep_at = $6,
       ip = $7, user_agent = $8, secret = $9, data = $10
 WHERE id = $11 AND version = $12 AND expires_at > 0 AND (user_id IS NULL OR user_id = $13);

-- touch
UPDATE "app"."sessions"
   SET last_seen = $1, expires_at = $2, sweep_at = $3, ip = $4, user_agent = $5
 WHERE id = $6 AND version = $7 AND last_seen = $8 AND expires_at > 0;

-- remove
UPDATE "app"."sessions"
   SET version = version + 1, expires_at = 0, sweep_at = LEAST(sweep_at, $1), secret = $2, data = $3
 WHERE id = ANY($4::uuid[]) AND expires_at > 0;

-- publish
INSERT INTO "app"."sessions_cutoff" AS known (user_id, cutoff) VALUES ($1, $2)
    ON CONFLICT (user_id) DO UPDATE SET cutoff = GREATEST(known.cutoff, excluded.cutoff);

-- cutoff
SELECT cutoff FROM "app"."sessions_cutoff" WHERE user_id = $1 AND 1 / (CASE current_setting('transaction_read_only') WHEN 'off' THEN 1 ELSE 0 END) = 1;

-- pick user
SELECT id, user_id
  FROM "app"."sessions"
 WHERE user_id = $1 AND id > $2 AND auth_at < $3 AND 1 / (CASE current_setting('transaction_read_only') WHEN 'off' THEN 1 ELSE 0 END) = 1
 ORDER BY id
 LIMIT 1000;

-- remove user
UPDATE "app"."sessions"
   SET version = version + 1, expires_at = 0, sweep_at = LEAST(sweep_at, $1), secret = $2, data = $3
 WHERE id = ANY($4::uuid[]) AND user_id = $5 AND auth_at < $6 AND expires_at > 0;

-- pick due
SELECT id FROM "app"."sessions" WHERE sweep_at <= $1 ORDER BY sweep_at LIMIT $2;

-- forget
DELETE FROM "app"."sessions" WHERE id = ANY($1::uuid[]) AND sweep_at <= $2;

-- forget cutoffs
DELETE FROM "app"."sessions_cutoff" WHERE cutoff < $1;

-- read key
SELECT secret FROM "app"."sessions_keys" WHERE name = $1;

-- add key
INSERT INTO "app"."sessions_keys" (name, secret, made_at) VALUES ($1, $2, $3);

-- replace key
UPDATE "app"."sessions_keys" SET secret = $1, made_at = $2 WHERE name = $3;

-- list
SELECT id, version, user_id, auth_at, created_at, last_seen, expires_at, ip, user_agent
  FROM "app"."sessions"
 WHERE expires_at > 0 AND id < $1 AND 1 / (CASE current_setting('transaction_read_only') WHEN 'off' THEN 1 ELSE 0 END) = 1
 ORDER BY id DESC
 LIMIT 51;

-- list of a user
SELECT id, version, user_id, auth_at, created_at, last_seen, expires_at, ip, user_agent, data
  FROM "app"."sessions"
 WHERE expires_at > 0 AND user_id BETWEEN $1 AND $2 AND expires_at > $3 AND id < $4 AND 1 / (CASE current_setting('transaction_read_only') WHEN 'off' THEN 1 ELSE 0 END) = 1
 ORDER BY user_id DESC, id DESC
 LIMIT 51;

-- list of anonymous
SELECT id, version, user_id, auth_at, created_at, last_seen, expires_at, ip, user_agent
  FROM "app"."sessions"
 WHERE expires_at > 0 AND user_id IS NULL AND id < $1 AND 1 / (CASE current_setting('transaction_read_only') WHEN 'off' THEN 1 ELSE 0 END) = 1
 ORDER BY user_id DESC, id DESC
 LIMIT 51;

-- list of expired
SELECT id, version, user_id, auth_at, created_at, last_seen, expires_at, ip, user_agent
  FROM "app"."sessions"
 WHERE expires_at > 0 AND user_id IS NOT NULL AND expires_at <= $1 AND sweep_at <= $2 AND LEAST(id) < $3 AND 1 / (CASE current_setting('transaction_read_only') WHEN 'off' THEN 1 ELSE 0 END) = 1
 ORDER BY LEAST(id) DESC
 LIMIT 51;

-- list of ids
SELECT id, version, user_id, auth_at, created_at, last_seen, expires_at, ip, user_agent
  FROM "app"."sessions"
 WHERE expires_at > 0 AND id = ANY($1::uuid[]) AND LEAST(user_id) = $2 AND expires_at <= $3 AND LEAST(sweep_at) <= $4 AND LEAST(ip) BETWEEN $5 AND $6 AND id < $7 AND 1 / (CASE current_setting('transaction_read_only') WHEN 'off' THEN 1 ELSE 0 END) = 1
 ORDER BY id DESC
 LIMIT 51;

-- list of ids, anonymous
SELECT id, version, user_id, auth_at, created_at, last_seen, expires_at, ip, user_agent
  FROM "app"."sessions"
 WHERE expires_at > 0 AND id = ANY($1::uuid[]) AND LEAST(user_id) IS NULL AND id < $2 AND 1 / (CASE current_setting('transaction_read_only') WHEN 'off' THEN 1 ELSE 0 END) = 1
 ORDER BY id DESC
 LIMIT 51;

-- count of an address
SELECT COUNT(*) FROM (SELECT ip FROM "app"."sessions" WHERE ip BETWEEN $1 AND $2 ORDER BY ip LIMIT 10001) AS few;

-- list by address, few
SELECT id, version, user_id, auth_at, created_at, last_seen, expires_at, ip, user_agent
  FROM "app"."sessions"
 WHERE expires_at > 0 AND ip BETWEEN $1 AND $2 AND LEAST(id) < $3 AND 1 / (CASE current_setting('transaction_read_only') WHEN 'off' THEN 1 ELSE 0 END) = 1
 ORDER BY LEAST(id) DESC
 LIMIT 51;

-- list by address
SELECT id, version, user_id, auth_at, created_at, last_seen, expires_at, ip, user_agent
  FROM "app"."sessions"
 WHERE expires_at > 0 AND ip BETWEEN $1 AND $2 AND ip NOT BETWEEN $3 AND $4 AND id < $5 AND 1 / (CASE current_setting('transaction_read_only') WHEN 'off' THEN 1 ELSE 0 END) = 1
 ORDER BY id DESC
 LIMIT 51;

-- migration 1 sessions
CREATE TABLE IF NOT EXISTS "app"."sessions" (
  id         uuid   NOT NULL PRIMARY KEY,
  version    bigint NOT NULL,
  user_id    bigint,            -- NULL: anonymous
  auth_at    bigint NOT NULL,        -- all times are microseconds since 1970, 0 is none
  created_at bigint NOT NULL,
  last_seen  bigint NOT NULL,
  expires_at bigint NOT NULL,        -- 0: removed, remembered until swept
  sweep_at   bigint NOT NULL,        -- an hour, so that touches change no index (HOT updates)
  ip         bytea,                  -- 16 bytes; IPv4 is mapped
  user_agent text   NOT NULL,
  secret     bytea  NOT NULL,
  data       bytea  NOT NULL,
  FOREIGN KEY (user_id) REFERENCES "users" ("id") ON DELETE CASCADE
) WITH (fillfactor = 90);

CREATE INDEX IF NOT EXISTS "sessions_user" ON "app"."sessions" (user_id, id);

CREATE INDEX IF NOT EXISTS "sessions_sweep" ON "app"."sessions" (sweep_at);

CREATE INDEX IF NOT EXISTS "sessions_ip" ON "app"."sessions" (ip, id);

CREATE TABLE IF NOT EXISTS "app"."sessions_cutoff" (
  user_id text COLLATE "C" NOT NULL PRIMARY KEY,
  cutoff  bigint NOT NULL
);

CREATE INDEX IF NOT EXISTS "sessions_cutoff_at" ON "app"."sessions_cutoff" (cutoff);

CREATE TABLE IF NOT EXISTS "app"."sessions_keys" (
  name    text COLLATE "C" NOT NULL PRIMARY KEY,
  secret  bytea  NOT NULL,
  made_at bigint NOT NULL
);
