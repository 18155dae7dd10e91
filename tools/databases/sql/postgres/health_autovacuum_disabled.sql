-- Whether autovacuum is off for the server (it also needs track_counts), and the tables for which it is switched off.
SELECT 'server' AS kind, NULL::text AS schema, NULL::text AS "table", NULL::bigint AS rows,
       (current_setting('autovacuum') = 'off' OR current_setting('track_counts') = 'off') AS disabled
UNION ALL
(SELECT 'table', n.nspname::text, c.relname::text, greatest(c.reltuples, pg_stat_get_live_tuples(c.oid), 0)::bigint, true
   FROM pg_class c
   JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'm') AND n.nspname !~ '^pg_temp_'
    AND array_to_string(c.reloptions, ' ') ~* 'autovacuum_enabled=(false|off|no|0)'
  ORDER BY 4 DESC)
