CREATE TABLE IF NOT EXISTS {table} (
  id         BINARY(16) NOT NULL PRIMARY KEY,
  version    BIGINT NOT NULL,
  user_id    {user_type} NULL,             -- NULL: anonymous
  auth_at    BIGINT NOT NULL,              -- all times are microseconds since 1970, 0 is none
  created_at BIGINT NOT NULL,
  last_seen  BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,              -- 0: removed, remembered until swept
  sweep_at   BIGINT NOT NULL,              -- an hour, so that touches change no index
  ip         BINARY(16) NULL,              -- IPv4 is mapped
  user_agent VARBINARY(512) NOT NULL,
  secret     VARBINARY(255) NOT NULL,
  data       MEDIUMBLOB NOT NULL,
  KEY {user_index} (user_id, id),
  KEY {sweep_index} (sweep_at),
  KEY {ip_index} (ip, id){foreign_key}
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS {cutoff} (
  user_id VARBINARY(255) NOT NULL PRIMARY KEY,
  cutoff  BIGINT NOT NULL,
  KEY {cutoff_index} (cutoff)
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS {keys} (
  name    VARBINARY(64) NOT NULL PRIMARY KEY,
  secret  VARBINARY(32) NOT NULL,
  made_at BIGINT NOT NULL
) ENGINE=InnoDB;
