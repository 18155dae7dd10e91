-- Tables that the planner judges by old or no statistics: never analyzed, or changed much since. reltuples is -1 for a
-- table that was never vacuumed or analyzed (PostgreSQL 14).
SELECT n.nspname::text AS schema, c.relname::text AS "table",
       greatest(c.reltuples, s.live, 0)::bigint AS rows,
       pg_stat_get_mod_since_analyze(c.oid) AS changed,
       s.analyzed IS NULL AND NOT EXISTS (
           SELECT FROM pg_statistic t WHERE t.starelid = c.oid LIMIT 1) AS never,
       extract(epoch FROM now() - s.analyzed)::float8 AS analyzed_seconds
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  CROSS JOIN LATERAL (SELECT pg_stat_get_live_tuples(c.oid) AS live,
                             greatest(pg_stat_get_last_analyze_time(c.oid), pg_stat_get_last_autoanalyze_time(c.oid)) AS analyzed) s
 WHERE c.relkind IN ('r', 'm')
   AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'agentdb', 'agentdb_archive') AND n.nspname !~ '^pg_(toast|temp_)'
   AND greatest(c.reltuples, s.live, 0) >= %(min_rows)s
 ORDER BY never DESC, changed DESC, 1, 2
