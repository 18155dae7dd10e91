-- The relations that this session holds locks on, with what its transaction did to each so far.
-- pg_stat_get_xact_*: counters of the current transaction (manual, "The Cumulative Statistics System").
SELECT l.relation::bigint, l.modes, n.nspname, c.relname, c.relkind::text, c.relfilenode::bigint,
       pg_catalog.pg_stat_get_xact_numscans(l.relation),
       pg_catalog.pg_stat_get_xact_tuples_inserted(l.relation),
       pg_catalog.pg_stat_get_xact_tuples_updated(l.relation),
       pg_catalog.pg_stat_get_xact_tuples_deleted(l.relation)
FROM (
    SELECT relation, pg_catalog.array_agg(DISTINCT mode) AS modes
    FROM pg_catalog.pg_locks
    WHERE pid = pg_catalog.pg_backend_pid() AND locktype = 'relation' AND granted AND relation >= 16384
    GROUP BY relation
) l
LEFT JOIN pg_catalog.pg_class c ON c.oid = l.relation
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
