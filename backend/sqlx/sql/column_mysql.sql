SELECT column_type, COALESCE(character_set_name, ''), COALESCE(collation_name, '')
  FROM information_schema.columns
 WHERE table_schema = COALESCE(?, DATABASE()) AND table_name = ? AND column_name = ?
