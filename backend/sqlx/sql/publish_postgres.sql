INSERT INTO {cutoff} AS known (user_id, cutoff) VALUES (?, ?)
    ON CONFLICT (user_id) DO UPDATE SET cutoff = GREATEST(known.cutoff, excluded.cutoff)
