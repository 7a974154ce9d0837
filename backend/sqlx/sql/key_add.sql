INSERT INTO {keys} (name, secret, made_at) VALUES (?, ?, ?)
