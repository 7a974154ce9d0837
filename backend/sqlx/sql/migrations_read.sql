SELECT number, name, applied_at FROM {migrations} ORDER BY number
