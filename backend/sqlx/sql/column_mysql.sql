SELECT column_type, COALESCE(character_set_name, ''), COALESCE(collation_name, '')
  FROM information_schema.columns
 WHERE table_schema = {in} AND table_name = '{of}' AND column_name = '{named}'
 ORDER BY BINARY table_name = '{of}' DESC
 LIMIT 1
