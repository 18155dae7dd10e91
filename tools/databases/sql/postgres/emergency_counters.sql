-- How many rows were written to each table since the server began to count (manual, pg_stat_user_tables).
SELECT s.schemaname, s.relname, s.n_tup_ins, s.n_tup_upd, s.n_tup_del,
       pg_catalog.to_char(d.stats_reset AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"')
FROM pg_catalog.pg_stat_user_tables AS s, pg_catalog.pg_stat_database AS d
WHERE d.datname = pg_catalog.current_database() AND s.schemaname NOT IN ('agentdb', 'agentdb_archive');
