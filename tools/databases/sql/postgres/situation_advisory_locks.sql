-- Advisory locks of this database: who holds and who waits. A key is one bigint or two integers
-- (manual, pg_locks: objsubid 1 or 2).
SELECT l.pid, l.granted, l.mode,
       CASE WHEN l.objsubid = 1 THEN ((l.classid::bigint << 32) | l.objid::bigint)::text
            ELSE l.classid || ', ' || l.objid END AS key,
       a.usename::text AS "user", a.application_name AS application, a.state,
       extract(epoch FROM clock_timestamp() - a.state_change)::float8 AS state_seconds,
       extract(epoch FROM clock_timestamp() - coalesce((to_jsonb(l) ->> 'waitstart')::timestamptz, a.query_start))::float8 AS wait_seconds,
       to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS backend_start,
       a.query
  FROM pg_locks l
  LEFT JOIN pg_stat_activity a ON a.pid = l.pid
 WHERE l.locktype = 'advisory' AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
 ORDER BY key, l.granted DESC, l.pid
