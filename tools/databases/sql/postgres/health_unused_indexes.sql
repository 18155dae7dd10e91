-- Indexes that no query has used since the counters began, without those that enforce something or serve a foreign
-- key. The indexes of partitions are counted together under the index of the topmost table.
-- Counting starts at the last reset; without one it reaches back at least to the start of the server.
WITH RECURSIVE family AS (
    SELECT i.oid AS root, i.oid AS member
      FROM pg_class i WHERE i.relkind IN ('i', 'I') AND NOT i.relispartition
    UNION ALL
    SELECT f.root, h.inhrelid FROM family f JOIN pg_inherits h ON h.inhparent = f.member
),
busy AS MATERIALIZED (
    -- printing a definition locks its table: not where somebody has or waits for ACCESS EXCLUSIVE
    SELECT l.relation FROM pg_locks l
     WHERE l.mode = 'AccessExclusiveLock' AND l.locktype = 'relation' AND l.pid IS DISTINCT FROM pg_backend_pid()
       AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
),
use AS (
    SELECT f.root, sum(pg_stat_get_numscans(f.member)) AS scans,
           sum(c.relpages::bigint) * current_setting('block_size')::bigint AS bytes
      FROM family f
      JOIN pg_class c ON c.oid = f.member
     GROUP BY f.root
),
since AS (
    SELECT coalesce(stats_reset, pg_postmaster_start_time()) AS moment FROM pg_stat_database WHERE datname = current_database()
)
SELECT n.nspname::text AS schema, t.relname::text AS "table", i.relname::text AS index,
       u.bytes::bigint AS bytes, u.scans::bigint AS scans,
       i.relkind = 'I' AS partitioned,
       extract(epoch FROM now() - since.moment)::float8 AS counted_seconds,
       CASE WHEN x.indrelid NOT IN (SELECT relation FROM busy) THEN pg_get_indexdef(i.oid) END AS definition
  FROM use u
  JOIN since ON true
  JOIN pg_class i ON i.oid = u.root
  JOIN pg_index x ON x.indexrelid = i.oid
  JOIN pg_class t ON t.oid = x.indrelid
  JOIN pg_namespace n ON n.oid = t.relnamespace
 WHERE u.scans = 0
   AND u.bytes >= %(min_bytes)s
   AND x.indisvalid AND NOT x.indisunique AND NOT x.indisexclusion AND NOT x.indisreplident
   AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'agentdb', 'agentdb_archive') AND n.nspname !~ '^pg_(toast|temp_)'
   AND i.oid NOT IN (SELECT conindid FROM pg_constraint WHERE contype IN ('p', 'u', 'x'))
   AND NOT EXISTS (SELECT FROM pg_constraint k
                    WHERE k.contype = 'f' AND k.conrelid = t.oid
                      AND k.conkey <@ (string_to_array(x.indkey::text, ' ')::int2[])[1:cardinality(k.conkey)])
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = t.oid AND d.deptype = 'e')
 ORDER BY u.bytes DESC, 1, 2, 3
