SELECT id, user_id
  FROM {table}{force_user}
 WHERE user_id = ? AND id > ? AND auth_at < ?{primary}
 ORDER BY id
 LIMIT 1000
