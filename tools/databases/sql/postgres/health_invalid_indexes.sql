-- Indexes that are not valid, whether something builds them at the moment, and what they would enforce.
-- Reads only catalogs, so it does not wait behind an ALTER TABLE. A view of progress hides its columns from roles
-- without pg_read_all_stats: then a builder's lock on the table (SHARE UPDATE EXCLUSIVE) stands for it.
WITH busy AS MATERIALIZED (
    -- printing a definition locks its table: not where somebody has or waits for ACCESS EXCLUSIVE
    SELECT l.relation FROM pg_locks l
     WHERE l.mode = 'AccessExclusiveLock' AND l.locktype = 'relation' AND l.pid IS DISTINCT FROM pg_backend_pid()
       AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
)
SELECT n.nspname::text AS schema,
       t.relname::text AS "table",
       i.relname::text AS index,
       x.indisunique OR x.indisprimary AS is_unique,
       x.indisready AS ready,
       i.relkind = 'I' AS partitioned,
       i.relpages::bigint * current_setting('block_size')::bigint AS bytes,
       CASE WHEN x.indrelid NOT IN (SELECT relation FROM busy) THEN pg_get_indexdef(i.oid) END AS definition,
       EXISTS (SELECT FROM pg_stat_progress_create_index p
                WHERE p.datname = current_database() AND (p.index_relid = i.oid OR p.relid = t.oid)) AS building,
       EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.datname = current_database() AND p.relid IS NULL)
         AND EXISTS (SELECT FROM pg_locks l
                      WHERE l.locktype = 'relation' AND l.relation = t.oid AND l.granted
                        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                        AND l.mode IN ('ShareUpdateExclusiveLock', 'ShareLock')) AS perhaps_building
  FROM pg_index x
  JOIN pg_class i ON i.oid = x.indexrelid
  JOIN pg_class t ON t.oid = x.indrelid
  JOIN pg_namespace n ON n.oid = i.relnamespace
 WHERE NOT (x.indisvalid AND x.indisready AND x.indislive)
   AND n.nspname !~ '^pg_temp_'
 ORDER BY is_unique DESC, 1, 2, 3
