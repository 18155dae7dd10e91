-- What stands in schema agentdb_archive: relations (with their size and rows as last counted) and functions.
SELECT c.oid::bigint, c.relname::text, c.relkind::text, coalesce(pg_catalog.pg_relation_filenode(c.oid), 0)::bigint,
       pg_catalog.pg_total_relation_size(c.oid)::bigint, c.reltuples::bigint
FROM pg_catalog.pg_class c
WHERE c.relnamespace = pg_catalog.to_regnamespace('agentdb_archive')::oid AND c.relkind IN ('r', 'p', 'm', 'v')
UNION ALL
SELECT p.oid::bigint, p.proname || '(' || pg_catalog.oidvectortypes(p.proargtypes) || ')', 'function', 0, 0, 0
FROM pg_catalog.pg_proc p
WHERE p.pronamespace = pg_catalog.to_regnamespace('agentdb_archive')::oid
ORDER BY 2
