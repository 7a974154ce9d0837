UPDATE {table}
   SET last_seen = ?, expires_at = ?, sweep_at = ?, ip = ?, user_agent = ?
 WHERE id = ? AND version = ? AND last_seen = ? AND expires_at > 0
