-- Columns of these names where they are now, in tables at the top; how much they hold is reckoned from the statistics.
SELECT a.attrelid::bigint, a.attnum::int, a.attname::text, n.nspname::text, c.relname::text,
       (s.avg_width * (1 - s.null_frac) * greatest(c.reltuples, 0))::bigint, greatest(c.reltuples, 0)::bigint
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_stats s
       ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname AND NOT s.inherited
WHERE a.attname = ANY (%(names)s::name[]) AND a.attnum > 0 AND NOT a.attisdropped AND a.attinhcount = 0
  AND c.relkind IN ('r', 'p')
ORDER BY 1, 2
