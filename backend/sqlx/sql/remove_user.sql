UPDATE {table}
   SET version = version + 1, expires_at = 0, sweep_at = {least}(sweep_at, ?), secret = ?, data = ?
 WHERE id {ids} AND user_id = ? AND auth_at < ? AND expires_at > 0
