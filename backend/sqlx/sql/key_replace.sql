UPDATE {keys} SET secret = ?, made_at = ? WHERE name = ?
