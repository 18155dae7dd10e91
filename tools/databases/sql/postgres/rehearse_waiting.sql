-- First row: whether session %(migration)s holds a lock that keeps writers out of one of the tables. Then one row for each
-- session of this database that waits for a lock at this moment: since how many seconds, and behind whom.
-- wait_event_type, pg_locks.waitstart, pg_blocking_pids: manual, "Monitoring Database Activity", pg_locks, functions.
SELECT 0 AS pid, 0::float8, '{}'::int[],
       EXISTS (
           SELECT FROM pg_catalog.pg_locks h
           WHERE h.pid = %(migration)s AND h.granted AND h.locktype = 'relation' AND h.relation = ANY (%(tables)s::oid[])
             AND h.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
       )
UNION ALL
SELECT a.pid,
       coalesce(extract(epoch FROM pg_catalog.clock_timestamp() - w.since), 0)::float8,
       pg_catalog.pg_blocking_pids(a.pid),
       false
FROM pg_catalog.pg_stat_activity a
CROSS JOIN LATERAL (SELECT min(l.waitstart) AS since FROM pg_catalog.pg_locks l WHERE l.pid = a.pid AND NOT l.granted) w
WHERE a.datname = pg_catalog.current_database() AND a.wait_event_type = 'Lock'
