INSERT INTO {cutoff} (user_id, cutoff) VALUES (?, ?)
    ON DUPLICATE KEY UPDATE cutoff = GREATEST(cutoff, VALUES(cutoff))
