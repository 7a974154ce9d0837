INSERT INTO {table} (id, version, user_id, auth_at, created_at, last_seen, expires_at, sweep_at, ip, user_agent, secret, data)
VALUES (?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
