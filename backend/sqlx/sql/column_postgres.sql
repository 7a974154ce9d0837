WITH RECURSIVE type (oid, modifier, depth) AS (
  SELECT a.atttypid, a.atttypmod, 0
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relname = '{of}' AND a.attname = '{named}' AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND {in}
  UNION ALL
  SELECT t.typbasetype, t.typtypmod, depth + 1 FROM type JOIN pg_catalog.pg_type t ON t.oid = type.oid WHERE t.typtype = 'd'
)
SELECT pg_catalog.format_type(oid, modifier), '', '' FROM type ORDER BY depth
