-- What long commands are doing at the moment, in this database: index builds, VACUUM, ANALYZE, CLUSTER and VACUUM FULL, COPY.
-- done and total are in the unit that the phase counts; seconds since the statement began.
WITH step AS (
    SELECT p.pid, p.datname, p.relid, p.command AS command, p.phase,
           CASE WHEN p.lockers_total > p.lockers_done THEN p.lockers_done WHEN p.blocks_total > 0 THEN p.blocks_done ELSE p.tuples_done END AS done,
           CASE WHEN p.lockers_total > p.lockers_done THEN p.lockers_total WHEN p.blocks_total > 0 THEN p.blocks_total ELSE p.tuples_total END AS total,
           nullif(p.current_locker_pid, 0) AS waits_for, p.index_relid AS index
      FROM pg_stat_progress_create_index p
    UNION ALL
    SELECT pid, datname, relid, 'VACUUM', phase, heap_blks_scanned, heap_blks_total, NULL, NULL FROM pg_stat_progress_vacuum
    UNION ALL
    SELECT pid, datname, relid, 'ANALYZE', phase, sample_blks_scanned, sample_blks_total, NULL, NULL FROM pg_stat_progress_analyze
    UNION ALL
    SELECT pid, datname, relid, command, phase, heap_blks_scanned, heap_blks_total, NULL, NULL FROM pg_stat_progress_cluster
    UNION ALL
    SELECT pid, datname, relid, command, type, bytes_processed, nullif(bytes_total, 0), NULL, NULL FROM pg_stat_progress_copy
)
SELECT s.pid, s.command, nullif(s.relid, 0)::regclass::text AS relation, nullif(s.index, 0)::regclass::text AS index,
       s.phase, s.done, s.total, s.waits_for,
       extract(epoch FROM clock_timestamp() - a.query_start)::float8 AS seconds,
       a.backend_type = 'autovacuum worker' AS automatic,
       a.query LIKE '% (to prevent wraparound)' AS against_wraparound,
       to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS backend_start
  FROM step s
  LEFT JOIN pg_stat_activity a ON a.pid = s.pid
 WHERE s.datname = current_database()
 ORDER BY seconds DESC NULLS LAST, s.pid
