-- load
SELECT version, user_id, auth_at, created_at, last_seen, expires_at, ip, user_agent, secret, data
  FROM `app`.`sessions`
 WHERE id = ? AND expires_at > 0 AND 18446744073709551615 + (CONCAT(@@read_only) NOT IN ('0', 'OFF') OR @@innodb_read_only) > 0;

-- create
INSERT INTO `app`.`sessions` (id, version, user_id, auth_at, created_at, last_seen, expires_at, sweep_at, ip, user_agent, secret, data)
VALUES (?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- save
UPDATE `app`.`sessions`
   SET version = version + 1, user_id = COALESCE(user_id, ?), auth_at = ?, created_at = ?, last_seen = ?, expires_at = ?, sweep_at = ?,
       ip = ?, user_agent = ?, secret = ?, data = ?
 WHERE id = ? AND version = ? AND expires_at > 0 AND (user_id IS NULL OR user_id = ?);

-- touch
UPDATE `app`.`sessions`
   SET last_seen = ?, expires_at = ?, sweep_at = ?, ip = ?, user_agent = ?
 WHERE id = ? AND version = ? AND last_seen = ? AND expires_at > 0;

-- remove
UPDATE `app`.`sessions`
   SET version = version + 1, expires_at = 0, sweep_at = LEAST(sweep_at, ?), secret = ?, data = ?
 WHERE id IN (?) AND expires_at > 0;

-- publish
INSERT INTO `app`.`sessions_cutoff` (user_id, cutoff) VALUES (?, ?)
    ON DUPLICATE KEY UPDATE cutoff = GREATEST(cutoff, VALUES(cutoff));

-- cutoff
SELECT cutoff FROM `app`.`sessions_cutoff` WHERE user_id = ? AND 18446744073709551615 + (CONCAT(@@read_only) NOT IN ('0', 'OFF') OR @@innodb_read_only) > 0;

-- pick user
SELECT id, user_id
  FROM `app`.`sessions` FORCE INDEX (`sessions_user`)
 WHERE user_id = ? AND id > ? AND auth_at < ? AND 18446744073709551615 + (CONCAT(@@read_only) NOT IN ('0', 'OFF') OR @@innodb_read_only) > 0
 ORDER BY id
 LIMIT 1000;

-- remove user
UPDATE `app`.`sessions`
   SET version = version + 1, expires_at = 0, sweep_at = LEAST(sweep_at, ?), secret = ?, data = ?
 WHERE id IN (?) AND user_id = ? AND auth_at < ? AND expires_at > 0;

-- pick due
SELECT id FROM `app`.`sessions` WHERE sweep_at <= ? ORDER BY sweep_at LIMIT ?;

-- forget
DELETE FROM `app`.`sessions` WHERE id IN (?) AND sweep_at <= ?;

-- forget cutoffs
DELETE FROM `app`.`sessions_cutoff` WHERE cutoff < ?;

-- read key
SELECT secret FROM `app`.`sessions_keys` WHERE name = ?;

-- add key
INSERT INTO `app`.`sessions_keys` (name, secret, made_at) VALUES (?, ?, ?);

-- replace key
UPDATE `app`.`sessions_keys` SET secret = ?, made_at = ? WHERE name = ?;

-- list
SELECT id, version, user_id, auth_at, created_at, last_seen, expires_at, ip, user_agent
  FROM `app`.`sessions`
 WHERE expires_at > 0 AND id < ? AND 18446744073709551615 + (CONCAT(@@read_only) NOT IN ('0', 'OFF') OR @@innodb_read_only) > 0
 ORDER BY id DESC
 LIMIT 51;

-- list of a user
SELECT id, version, user_id, auth_at, created_at, last_seen, expires_at, ip, user_agent, data
  FROM `app`.`sessions` FORCE INDEX (`sessions_user`)
 WHERE expires_at > 0 AND user_id = ? AND expires_at > ? AND id < ? AND 18446744073709551615 + (CONCAT(@@read_only) NOT IN ('0', 'OFF') OR @@innodb_read_only) > 0
 ORDER BY id DESC
 LIMIT 51;

-- list of anonymous
SELECT id, version, user_id, auth_at, created_at, last_seen, expires_at, ip, user_agent
  FROM `app`.`sessions` FORCE INDEX (`sessions_user`)
 WHERE expires_at > 0 AND user_id IS NULL AND id < ? AND 18446744073709551615 + (CONCAT(@@read_only) NOT IN ('0', 'OFF') OR @@innodb_read_only) > 0
 ORDER BY id DESC
 LIMIT 51;

-- list of expired
SELECT id, version, user_id, auth_at, created_at, last_seen, expires_at, ip, user_agent
  FROM `app`.`sessions` FORCE INDEX (`sessions_sweep`)
 WHERE expires_at > 0 AND user_id IS NOT NULL AND expires_at <= ? AND sweep_at <= ? AND id < ? AND 18446744073709551615 + (CONCAT(@@read_only) NOT IN ('0', 'OFF') OR @@innodb_read_only) > 0
 ORDER BY id DESC
 LIMIT 51;

-- list of ids
SELECT id, version, user_id, auth_at, created_at, last_seen, expires_at, ip, user_agent
  FROM `app`.`sessions` FORCE INDEX (PRIMARY)
 WHERE expires_at > 0 AND id IN (?, ?) AND user_id = ? AND expires_at <= ? AND sweep_at <= ? AND ip BETWEEN ? AND ? AND id < ? AND 18446744073709551615 + (CONCAT(@@read_only) NOT IN ('0', 'OFF') OR @@innodb_read_only) > 0
 ORDER BY id DESC
 LIMIT 51;

-- list of ids, anonymous
SELECT id, version, user_id, auth_at, created_at, last_seen, expires_at, ip, user_agent
  FROM `app`.`sessions` FORCE INDEX (PRIMARY)
 WHERE expires_at > 0 AND id IN (?, ?) AND user_id IS NULL AND id < ? AND 18446744073709551615 + (CONCAT(@@read_only) NOT IN ('0', 'OFF') OR @@innodb_read_only) > 0
 ORDER BY id DESC
 LIMIT 51;

-- count of an address
SELECT COUNT(*) FROM (SELECT ip FROM `app`.`sessions` FORCE INDEX (`sessions_ip`) WHERE ip BETWEEN ? AND ? ORDER BY ip LIMIT 10001) AS few;

-- list by address, few
SELECT id, version, user_id, auth_at, created_at, last_seen, expires_at, ip, user_agent
  FROM `app`.`sessions` FORCE INDEX (`sessions_ip`)
 WHERE expires_at > 0 AND ip BETWEEN ? AND ? AND id < ? AND 18446744073709551615 + (CONCAT(@@read_only) NOT IN ('0', 'OFF') OR @@innodb_read_only) > 0
 ORDER BY id DESC
 LIMIT 51;

-- list by address
SELECT id, version, user_id, auth_at, created_at, last_seen, expires_at, ip, user_agent
  FROM `app`.`sessions` FORCE INDEX (PRIMARY)
 WHERE expires_at > 0 AND ip BETWEEN ? AND ? AND ip NOT BETWEEN ? AND ? AND id < ? AND 18446744073709551615 + (CONCAT(@@read_only) NOT IN ('0', 'OFF') OR @@innodb_read_only) > 0
 ORDER BY id DESC
 LIMIT 51;

-- migration 1 sessions
CREATE TABLE IF NOT EXISTS `app`.`sessions` (
  id         BINARY(16) NOT NULL PRIMARY KEY,
  version    BIGINT NOT NULL,
  user_id    BIGINT NULL,             -- NULL: anonymous
  auth_at    BIGINT NOT NULL,              -- all times are microseconds since 1970, 0 is none
  created_at BIGINT NOT NULL,
  last_seen  BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,              -- 0: removed, remembered until swept
  sweep_at   BIGINT NOT NULL,              -- an hour, so that touches change no index
  ip         BINARY(16) NULL,              -- IPv4 is mapped
  user_agent VARBINARY(512) NOT NULL,
  secret     VARBINARY(255) NOT NULL,
  data       MEDIUMBLOB NOT NULL,
  KEY `sessions_user` (user_id, id),
  KEY `sessions_sweep` (sweep_at),
  KEY `sessions_ip` (ip, id),
  FOREIGN KEY (user_id) REFERENCES `users` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS `app`.`sessions_cutoff` (
  user_id VARBINARY(255) NOT NULL PRIMARY KEY,
  cutoff  BIGINT NOT NULL,
  KEY `sessions_cutoff_at` (cutoff)
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS `app`.`sessions_keys` (
  name    VARBINARY(64) NOT NULL PRIMARY KEY,
  secret  VARBINARY(32) NOT NULL,
  made_at BIGINT NOT NULL
) ENGINE=InnoDB;
