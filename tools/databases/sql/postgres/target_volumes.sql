-- How large each table is: rows as the planner reckons them (rows of each page when last analysed, times the pages there
-- are now), bytes with TOAST, bytes of indexes. A partitioned table is its leaves together.
-- Rows are NULL where some part holds pages and was never analysed (manual, pg_class: reltuples -1; 0 before version 14).
SELECT format('%%I.%%I', n.nspname, c.relname),
       CASE WHEN bool_or(leaf.pages > 0 AND (leaf.reltuples < 0 OR leaf.relpages = 0)) THEN NULL
            ELSE sum(CASE WHEN leaf.pages = 0 THEN 0 ELSE leaf.reltuples / nullif(leaf.relpages, 0) * leaf.pages END)::bigint END,
       sum(pg_catalog.pg_table_size(leaf.oid))::bigint,
       sum(pg_catalog.pg_indexes_size(leaf.oid))::bigint,
       coalesce(sum(s.n_tup_ins + s.n_tup_upd + s.n_tup_del), 0)::bigint
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
    SELECT x.oid, x.reltuples::float8, x.relpages,
           pg_catalog.pg_relation_size(x.oid) / pg_catalog.current_setting('block_size')::bigint AS pages
    FROM pg_catalog.pg_class x
    WHERE (c.relkind <> 'p' AND x.oid = c.oid)
       OR (c.relkind = 'p' AND x.oid IN (SELECT t.relid FROM pg_catalog.pg_partition_tree(c.oid) t WHERE t.isleaf))
) leaf
LEFT JOIN pg_catalog.pg_stat_user_tables s ON s.relid = leaf.oid
WHERE c.relkind IN ('r', 'p', 'm') AND format('%%I.%%I', n.nspname, c.relname) = ANY (%(tables)s::text[])
GROUP BY 1
ORDER BY 1
