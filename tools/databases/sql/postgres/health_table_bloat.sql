-- Estimated waste of each heap: pages it has against pages its rows would fill. A row's size is the header (23 bytes and a
-- null bitmap, aligned to 8), plus each column's average width (pg_stats.avg_width, less its share of nulls) rounded up
-- to the alignment of the column after it, plus a 4 byte line pointer; a page gives block_size - 24 bytes times
-- fillfactor. Rounding errs towards wider rows, so towards less bloat. TOAST tables and indexes are not estimated.
-- Method: the one of check_postgres and of pgsql-bloat-estimation, after the manual's "Database Page Layout".
-- estimated is false where the role may not read the statistics, or where there are none.
WITH wide AS (
    SELECT c.oid, n.nspname, c.relname, c.reltuples, c.relpages,
           current_setting('block_size')::numeric AS block,
           coalesce(substring(array_to_string(c.reloptions, ' ') FROM 'fillfactor=([0-9]+)')::numeric, 100) AS fillfactor
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'm') AND c.relpages::bigint * current_setting('block_size')::bigint >= %(min_bytes)s
       AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'agentdb', 'agentdb_archive') AND n.nspname !~ '^pg_(toast|temp_)'
),
field AS (
    SELECT w.oid, s.null_frac, s.avg_width,
           CASE lead(a.attalign) OVER (PARTITION BY a.attrelid ORDER BY a.attnum)
                WHEN 'd' THEN 8 WHEN 'i' THEN 4 WHEN 's' THEN 2 ELSE 1 END AS next_alignment,
           s.attname IS NULL AS unseen
      FROM wide w
      JOIN pg_attribute a ON a.attrelid = w.oid AND a.attnum > 0 AND NOT a.attisdropped
      LEFT JOIN pg_stats s ON s.schemaname = w.nspname AND s.tablename = w.relname AND s.attname = a.attname AND NOT s.inherited
),
tuple AS (
    SELECT oid, bool_or(unseen) AS unseen,
           ceil((23 + CASE WHEN max(null_frac) > 0 THEN ceil(count(*) / 8.0) ELSE 0 END) / 8.0) * 8
             + ceil(sum((1 - null_frac::numeric) * ceil(avg_width::numeric / next_alignment) * next_alignment) / 8.0) * 8
             + 4 AS bytes
      FROM field GROUP BY oid
),
estimate AS (
    SELECT w.*, NOT t.unseen AND w.reltuples >= 0 AS estimated,
           ceil(greatest(w.reltuples, 0)::numeric / greatest(1, floor((w.block - 24) * w.fillfactor / 100 / t.bytes))) AS needed
      FROM wide w JOIN tuple t USING (oid)
)
SELECT e.nspname::text AS schema, e.relname::text AS "table", e.estimated,
       (e.relpages * e.block)::bigint AS bytes,
       CASE WHEN e.estimated THEN (greatest(e.relpages - e.needed, 0) * e.block)::bigint END AS wasted,
       CASE WHEN e.estimated THEN (greatest(e.relpages - e.needed, 0) / nullif(e.relpages, 0))::float8 END AS ratio,
       pg_stat_get_dead_tuples(e.oid) AS dead_rows, greatest(e.reltuples, 0)::bigint AS rows
  FROM estimate e
 ORDER BY wasted DESC NULLS LAST, 1, 2
