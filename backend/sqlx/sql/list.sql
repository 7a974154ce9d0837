SELECT id, version, user_id, auth_at, created_at, last_seen, expires_at, ip, user_agent{data}
  FROM {table}{force}
 WHERE {where}{primary}
 ORDER BY {order}
 LIMIT {limit}
