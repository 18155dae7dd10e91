-- How many rows each table had when it was last analysed; tables that never were are left out.
SELECT n.nspname || '.' || c.relname, c.reltuples::bigint
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm')
  AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'agentdb', 'agentdb_archive')
  AND c.reltuples >= 0
ORDER BY 1
