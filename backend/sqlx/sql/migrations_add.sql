INSERT INTO {migrations} (number, name, applied_at) VALUES (?, ?, ?)
