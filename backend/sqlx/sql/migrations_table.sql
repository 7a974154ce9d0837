CREATE TABLE IF NOT EXISTS {migrations} (number {integer} NOT NULL PRIMARY KEY, name VARCHAR(255) NOT NULL, applied_at {integer} NOT NULL)
