-- Tables whose rows the current transaction may have changed: written to (ROW EXCLUSIVE), truncated, rewritten or dropped
-- (ACCESS EXCLUSIVE), by its own locks.
-- Source: manual, section 13.3.1 "Table-Level Locks".
SELECT DISTINCT l.relation::bigint
FROM pg_catalog.pg_locks l
WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation' AND l.granted
  AND l.mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
  AND l.relation >= 16384
