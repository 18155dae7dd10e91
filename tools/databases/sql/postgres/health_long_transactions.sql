-- Open transactions of clients in this database, oldest first, and how many sessions this role may not look into.
-- locks: the strong ones on tables. (One in another database holds back neither VACUUM nor an index build here.)
SELECT a.pid, a.datname::text AS database, a.usename::text AS "user", a.application_name AS application,
       a.state,
       extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS transaction_seconds,
       extract(epoch FROM clock_timestamp() - a.state_change)::float8 AS state_seconds,
       a.wait_event_type::text AS wait_type,
       a.backend_xid IS NOT NULL AS has_written,
       age(a.backend_xmin)::bigint AS holds_back,
       to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS backend_start,
       (SELECT array_agg(DISTINCT l.mode || ' on ' || l.relation::regclass::text)
          FROM pg_locks l
         WHERE l.pid = a.pid AND l.granted AND l.locktype = 'relation'
           AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
           AND l.relation >= 16384
           AND l.mode NOT IN ('AccessShareLock', 'RowShareLock')) AS locks,
       a.query,
       (a.query = '<insufficient privilege>') AS hidden
  FROM pg_stat_activity a
 WHERE a.pid <> pg_backend_pid()
   AND a.datname = current_database()
   AND (a.query = '<insufficient privilege>'
        OR a.xact_start IS NOT NULL AND a.backend_type = 'client backend')
 ORDER BY a.xact_start NULLS LAST
