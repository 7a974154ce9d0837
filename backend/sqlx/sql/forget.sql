DELETE FROM {table} WHERE id {ids} AND sweep_at <= ?
