-- What another session holds or waits for at this moment, and whether it waits for a lock of any sort.
SELECT l.relation::bigint, l.mode, l.granted, a.wait_event_type = 'Lock'
FROM pg_catalog.pg_stat_activity a
LEFT JOIN pg_catalog.pg_locks l ON l.pid = a.pid AND l.locktype = 'relation' AND l.relation >= 16384
WHERE a.pid = %s
