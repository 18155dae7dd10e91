-- Tables with more dead rows than the number at which autovacuum starts on them, with their own storage parameters
-- considered (manual, "The Autovacuum Daemon": threshold + scale factor * rows, at most
-- autovacuum_vacuum_max_threshold in 18).
WITH entry AS (
    SELECT c.oid, n.nspname, c.relname, pg_stat_get_dead_tuples(c.oid) AS n_dead_tup, pg_stat_get_live_tuples(c.oid) AS n_live_tup, greatest(c.reltuples, 0) AS reltuples,
           greatest(pg_stat_get_last_vacuum_time(c.oid), pg_stat_get_last_autovacuum_time(c.oid)) AS vacuumed,
           coalesce(substring(o.options FROM 'autovacuum_vacuum_threshold=([0-9]+)'), current_setting('autovacuum_vacuum_threshold'))::float8 AS threshold,
           coalesce(substring(o.options FROM 'autovacuum_vacuum_scale_factor=([0-9.e+-]+)'), current_setting('autovacuum_vacuum_scale_factor'))::float8 AS factor,
           coalesce(nullif(coalesce(substring(o.options FROM 'autovacuum_vacuum_max_threshold=(-?[0-9]+)'),
                                    current_setting('autovacuum_vacuum_max_threshold', true))::float8, -1), 'infinity') AS most
      FROM pg_class c
      CROSS JOIN LATERAL (SELECT array_to_string(c.reloptions, ' ') AS options) o
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'm', 't') AND n.nspname !~ '^pg_temp_'
)
SELECT nspname::text AS schema, relname::text AS "table",
       n_dead_tup AS dead_rows, n_live_tup AS rows,
       least(threshold + factor * reltuples, most) AS starts_at,
       extract(epoch FROM now() - vacuumed)::float8 AS vacuumed_seconds,
       EXISTS (SELECT FROM pg_stat_progress_vacuum p WHERE p.relid = entry.oid AND p.datname = current_database()) AS running
  FROM entry
 WHERE n_dead_tup >= %(min_dead_rows)s
   AND n_dead_tup > %(times)s * least(threshold + factor * reltuples, most)
 ORDER BY n_dead_tup DESC, 1, 2
