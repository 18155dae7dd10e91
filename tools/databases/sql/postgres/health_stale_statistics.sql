-- Tables that the planner judges by old or no statistics: never analyzed, or changed much since. reltuples is -1 for a
-- table that was never vacuumed or analyzed (PostgreSQL 14).
SELECT n.nspname::text AS schema, c.relname::text AS "table",
       greatest(c.reltuples, s.n_live_tup, 0)::bigint AS rows,
       s.n_mod_since_analyze AS changed,
       coalesce(s.last_analyze, s.last_autoanalyze) IS NULL AND NOT EXISTS (
           SELECT FROM pg_statistic t WHERE t.starelid = c.oid LIMIT 1) AS never,
       extract(epoch FROM now() - greatest(s.last_analyze, s.last_autoanalyze))::float8 AS analyzed_seconds
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_stat_all_tables s ON s.relid = c.oid
 WHERE c.relkind IN ('r', 'm')
   AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp_)'
   AND greatest(c.reltuples, s.n_live_tup, 0) >= %(min_rows)s
 ORDER BY never DESC, changed DESC, 1, 2
