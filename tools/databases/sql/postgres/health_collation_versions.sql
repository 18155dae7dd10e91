-- Collations whose library says another version than the one that this database's indexes were built with (PostgreSQL 15).
SELECT 'database' AS kind, quote_ident(datname) AS name, datcollversion AS recorded, pg_database_collation_actual_version(oid) AS actual
  FROM pg_database
 WHERE datname = current_database() AND datcollversion IS DISTINCT FROM pg_database_collation_actual_version(oid)
   AND datcollversion IS NOT NULL
UNION ALL
SELECT 'collation', quote_ident(n.nspname) || '.' || quote_ident(c.collname), c.collversion, pg_collation_actual_version(c.oid)
  FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace
 WHERE c.collversion IS NOT NULL AND c.collversion IS DISTINCT FROM pg_collation_actual_version(c.oid)
   AND c.collprovider <> 'd'
   AND EXISTS (SELECT FROM pg_attribute a WHERE a.attcollation = c.oid AND a.attrelid >= 16384 AND NOT a.attisdropped)
 ORDER BY 1 DESC, 2
