UPDATE {table}
   SET version = version + 1, user_id = COALESCE(user_id, ?), auth_at = ?, created_at = ?, last_seen = ?, expires_at = ?, sweep_at = ?,
       ip = ?, user_agent = ?, secret = ?, data = ?
 WHERE id = ? AND version = ? AND expires_at > 0 AND (user_id IS NULL OR user_id = ?)
