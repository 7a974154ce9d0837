SELECT version, user_id, auth_at, created_at, last_seen, expires_at, ip, user_agent, secret, data
  FROM {table}
 WHERE id = ? AND expires_at > 0{primary}
