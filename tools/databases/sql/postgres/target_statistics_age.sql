-- For how many seconds the target's statistics have been counted: since they were reset, else since the cluster was made
-- at the earliest (the upper half of the system identifier is that moment: src/backend/access/transam/xlog.c).
SELECT extract(epoch FROM pg_catalog.now() - coalesce(
    d.stats_reset, pg_catalog.to_timestamp((SELECT system_identifier >> 32 FROM pg_catalog.pg_control_system()))
))::float8
FROM pg_catalog.pg_stat_database d
WHERE d.datname = pg_catalog.current_database()
