SELECT id FROM {table} WHERE sweep_at <= ? ORDER BY sweep_at LIMIT ?
