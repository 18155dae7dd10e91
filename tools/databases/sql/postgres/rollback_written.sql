-- Tables that the current transaction wrote rows to, or set out to write to: every INSERT, UPDATE, DELETE, MERGE and
-- COPY takes a ROW EXCLUSIVE lock on its table, also inside functions and blocks and also when it finds no row.
-- Source: manual, section 13.3.1 "Table-Level Locks"; pg_stat_get_xact_*: counters of the current transaction.
SELECT l.relation::bigint,
       pg_catalog.pg_stat_get_xact_tuples_inserted(l.relation) > 0,
       pg_catalog.pg_stat_get_xact_tuples_updated(l.relation) > 0,
       pg_catalog.pg_stat_get_xact_tuples_deleted(l.relation) > 0
FROM pg_catalog.pg_locks l
WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation' AND l.granted
  AND l.mode = 'RowExclusiveLock' AND l.relation >= 16384
