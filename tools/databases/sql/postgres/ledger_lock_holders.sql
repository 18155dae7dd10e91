-- the sessions that hold agentdb's advisory locks in this database
-- two-key locks show as classid and objid with objsubid 2 (manual, pg_locks)
SELECT l.pid, a.application_name, l.objid::bigint, a.backend_start
FROM pg_catalog.pg_locks l
LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory'
  AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
  AND l.classid = %(space)s
  AND l.objsubid = 2
  AND l.granted
ORDER BY l.objid, l.pid
