CREATE TABLE IF NOT EXISTS {table} (
  id         uuid   NOT NULL PRIMARY KEY,
  version    bigint NOT NULL,
  user_id    {user_type},            -- NULL: anonymous
  auth_at    bigint NOT NULL,        -- all times are microseconds since 1970, 0 is none
  created_at bigint NOT NULL,
  last_seen  bigint NOT NULL,
  expires_at bigint NOT NULL,        -- 0: removed, remembered until swept
  sweep_at   bigint NOT NULL,        -- an hour, so that touches change no index (HOT updates)
  ip         bytea,                  -- 16 bytes; IPv4 is mapped
  user_agent text   NOT NULL,
  secret     bytea  NOT NULL,
  data       bytea  NOT NULL{foreign_key}
) WITH (fillfactor = 90);

CREATE INDEX IF NOT EXISTS {user_index} ON {table} (user_id, id);

CREATE INDEX IF NOT EXISTS {sweep_index} ON {table} (sweep_at);

CREATE INDEX IF NOT EXISTS {ip_index} ON {table} (ip, id);

CREATE TABLE IF NOT EXISTS {cutoff} (
  user_id text COLLATE "C" NOT NULL PRIMARY KEY,
  cutoff  bigint NOT NULL
);

CREATE INDEX IF NOT EXISTS {cutoff_index} ON {cutoff} (cutoff);

CREATE TABLE IF NOT EXISTS {keys} (
  name    text COLLATE "C" NOT NULL PRIMARY KEY,
  secret  bytea  NOT NULL,
  made_at bigint NOT NULL
);
