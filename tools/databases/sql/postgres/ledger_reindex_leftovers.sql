-- invalid indexes that REINDEX CONCURRENTLY left, of one table or index, or everywhere when relation is ''
-- their names end in _ccnew or _ccold and a number (manual, REINDEX, "Rebuilding Indexes Concurrently")
SELECT n.nspname, c.relname
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE NOT i.indisvalid
  AND c.relname ~ '_cc(new|old)[0-9]*$'
  AND n.nspname NOT IN ('pg_catalog', 'pg_toast')
  AND (
    %(relation)s = ''
    OR i.indrelid = pg_catalog.to_regclass(nullif(%(relation)s, ''))
    OR i.indrelid = (
      SELECT o.indrelid FROM pg_catalog.pg_index o WHERE o.indexrelid = pg_catalog.to_regclass(nullif(%(relation)s, ''))
    )
  )
ORDER BY 1, 2
