CREATE TABLE IF NOT EXISTS {table} (
  id         BLOB    NOT NULL PRIMARY KEY,
  version    INTEGER NOT NULL,
  user_id    {user_type},             -- NULL: anonymous
  auth_at    INTEGER NOT NULL,        -- all times are microseconds since 1970, 0 is none
  created_at INTEGER NOT NULL,
  last_seen  INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,        -- 0: removed, remembered until swept
  sweep_at   INTEGER NOT NULL,        -- an hour, so that touches change no index
  ip         BLOB,                    -- 16 bytes; IPv4 is mapped
  user_agent TEXT    NOT NULL,
  secret     BLOB    NOT NULL,
  data       BLOB    NOT NULL{foreign_key}
) STRICT;

CREATE INDEX IF NOT EXISTS {user_index} ON {table} (user_id, id);

CREATE INDEX IF NOT EXISTS {sweep_index} ON {table} (sweep_at);

CREATE INDEX IF NOT EXISTS {ip_index} ON {table} (ip, id);

CREATE TABLE IF NOT EXISTS {cutoff} (
  user_id TEXT    NOT NULL PRIMARY KEY,
  cutoff  INTEGER NOT NULL
) STRICT;

CREATE INDEX IF NOT EXISTS {cutoff_index} ON {cutoff} (cutoff);

CREATE TABLE IF NOT EXISTS {keys} (
  name    TEXT    NOT NULL PRIMARY KEY,
  secret  BLOB    NOT NULL,
  made_at INTEGER NOT NULL
) STRICT;
