-- Every session of this database that waits for a lock, and every session it waits for, each once. blocked_by: process ids, 0 is a
-- prepared transaction (manual, pg_blocking_pids: it also counts who stands before it in the queue).
WITH waiting AS MATERIALIZED (
    SELECT l.pid, min(l.mode) AS mode, min(l.locktype) AS locktype,
           min(CASE WHEN l.locktype = 'relation' AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                    THEN l.relation::regclass::text
                    WHEN l.locktype = 'advisory' THEN 'advisory lock ' || l.classid || ',' || l.objid
                    ELSE l.locktype END) AS target,
           min((to_jsonb(l) ->> 'waitstart')::timestamptz) AS since
      FROM pg_locks l
     WHERE NOT l.granted AND l.pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())
     GROUP BY l.pid
),
edge AS MATERIALIZED (
    SELECT w.*, pg_blocking_pids(w.pid) AS blocked_by FROM waiting w
),
member AS (
    SELECT pid FROM edge WHERE blocked_by <> '{}'
    UNION
    SELECT unnest(blocked_by) FROM edge
)
SELECT m.pid, coalesce(e.blocked_by, '{}') AS blocked_by,
       e.mode, e.locktype, e.target,
       extract(epoch FROM clock_timestamp() - coalesce(e.since, CASE WHEN e.pid IS NOT NULL THEN a.query_start END))::float8 AS wait_seconds,
       a.datname::text AS database, a.usename::text AS "user", a.application_name AS application, a.state,
       a.backend_type,
       extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS transaction_seconds,
       extract(epoch FROM clock_timestamp() - a.state_change)::float8 AS state_seconds,
       to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS backend_start,
       a.query
  FROM member m
  LEFT JOIN edge e ON e.pid = m.pid
  LEFT JOIN pg_stat_activity a ON a.pid = m.pid
 ORDER BY wait_seconds DESC NULLS LAST, m.pid
