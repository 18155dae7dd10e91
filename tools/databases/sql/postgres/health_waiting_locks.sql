-- Queues of this database's sessions in front of locks: for each object how many sessions wait, the strongest mode
-- waited for, the longest wait, and which modes are held.
WITH here AS (SELECT oid FROM pg_database WHERE datname = current_database()),
strength (mode, rank) AS (
    VALUES ('AccessShareLock', 1), ('RowShareLock', 2), ('RowExclusiveLock', 3), ('ShareUpdateExclusiveLock', 4),
           ('ShareLock', 5), ('ShareRowExclusiveLock', 6), ('ExclusiveLock', 7), ('AccessExclusiveLock', 8)
),
held AS (
    SELECT l.pid, l.mode, l.granted, s.rank, l.locktype, to_jsonb(l) ->> 'waitstart' AS waitstart,
           jsonb_build_array(l.database, l.relation, l.page, l.tuple, l.virtualxid, l.transactionid, l.classid, l.objid,
                             l.objsubid) AS object,
           CASE WHEN l.locktype = 'relation' AND l.database = here.oid THEN l.relation::regclass::text
                WHEN l.locktype IN ('tuple', 'page', 'extend') AND l.database = here.oid
                THEN l.locktype || ' of ' || l.relation::regclass::text
                WHEN l.locktype = 'advisory' THEN 'advisory lock ' || l.classid || ',' || l.objid
                WHEN l.locktype = 'transactionid' THEN 'the end of a transaction'
                ELSE l.locktype END AS target
      FROM pg_locks l
      CROSS JOIN here
      LEFT JOIN strength s ON s.mode = l.mode
)
SELECT w.locktype, min(w.target) AS target,
       count(DISTINCT w.pid) AS waiting,
       (array_agg(w.mode ORDER BY w.rank DESC NULLS LAST))[1] AS strongest,
       max(extract(epoch FROM clock_timestamp() - coalesce(w.waitstart::timestamptz, a.query_start)))::float8 AS wait_seconds,
       (SELECT array_agg(DISTINCT h.mode) FROM held h
         WHERE h.granted AND h.locktype = w.locktype AND h.object = w.object) AS held,
       array_agg(DISTINCT w.pid) AS pids
  FROM held w
  JOIN pg_stat_activity a ON a.pid = w.pid AND a.datname = current_database()
 WHERE NOT w.granted
 GROUP BY w.locktype, w.object
 ORDER BY wait_seconds DESC NULLS LAST, target
