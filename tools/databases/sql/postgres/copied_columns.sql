-- For a relation, or all that stand below it: rows and size as the catalogs have them, and for each column how wide its
-- values are. Nothing is scanned. Sources: manual, pg_class (reltuples -1: never analysed), pg_stats (avg_width leaves
-- NULLs out, and counts what is stored out of line as its pointer), section 66.1 "Database File Layout".
WITH RECURSIVE part AS (
    SELECT c.oid FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass(%(relation)s)
    UNION ALL
    SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN part p ON i.inhparent = p.oid WHERE %(children)s
)
SELECT c.reltuples::float8,
       c.relpages::bigint,
       pg_catalog.pg_relation_size(c.oid)::bigint,
       coalesce(pg_catalog.pg_relation_size(nullif(c.reltoastrelid, 0)), 0)::bigint,
       greatest(pg_catalog.pg_stat_get_last_analyze_time(c.oid), pg_catalog.pg_stat_get_last_autoanalyze_time(c.oid)),
       (SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
                   'name', a.attname,
                   'length', t.typlen,
                   'align', CASE t.typalign WHEN 'd' THEN 8 WHEN 'i' THEN 4 WHEN 's' THEN 2 ELSE 1 END,
                   'toastable', a.attstorage <> 'p',
                   'label', (SELECT avg(pg_catalog.length(e.enumlabel)) FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid),
                   'width', s.avg_width,
                   'nulls', s.null_frac) ORDER BY a.attnum)
        FROM pg_catalog.pg_attribute a
        JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
        LEFT JOIN pg_catalog.pg_stats s
               ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname AND NOT s.inherited
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
FROM part
JOIN pg_catalog.pg_class c ON c.oid = part.oid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm', 't')
ORDER BY c.oid
