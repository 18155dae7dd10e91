-- Foreign keys whose referencing columns no usable index begins with. A partial index counts when its condition is
-- only that the columns are not NULL, for an equality search implies that. rows: the planner's estimate, or
-- the statistics collector's count when the table was never analyzed, over all partitions.
WITH RECURSIVE member AS (
    SELECT k.conrelid AS root, k.conrelid AS oid FROM pg_constraint k WHERE k.contype = 'f'
    UNION
    SELECT m.root, h.inhrelid FROM member m JOIN pg_inherits h ON h.inhparent = m.oid
),
busy AS MATERIALIZED (
    -- printing a definition locks its table: not where somebody has or waits for ACCESS EXCLUSIVE
    SELECT l.relation FROM pg_locks l
     WHERE l.mode = 'AccessExclusiveLock' AND l.locktype = 'relation' AND l.pid IS DISTINCT FROM pg_backend_pid()
       AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
),
weight AS (
    SELECT m.root, sum(greatest(c.reltuples, 0, pg_stat_get_live_tuples(c.oid)))::bigint AS rows,
           sum(c.relpages::bigint) * current_setting('block_size')::bigint AS bytes
      FROM member m
      JOIN pg_class c ON c.oid = m.oid AND c.relkind <> 'p'
     GROUP BY m.root
)
SELECT n.nspname::text AS schema, t.relname::text AS "table", k.conname::text AS constraint,
       (SELECT array_agg(a.attname::text ORDER BY o.place)
          FROM unnest(k.conkey) WITH ORDINALITY AS o (number, place)
          JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = o.number) AS columns,
       rn.nspname::text AS referenced_schema, r.relname::text AS referenced_table,
       t.relkind = 'p' AS partitioned,
       k.confdeltype <> 'a' AS acts_on_delete,
       coalesce(w.rows, 0) AS rows, coalesce(w.bytes, 0)::bigint AS bytes
  FROM pg_constraint k
  JOIN pg_class t ON t.oid = k.conrelid
  JOIN pg_namespace n ON n.oid = t.relnamespace
  JOIN pg_class r ON r.oid = k.confrelid
  JOIN pg_namespace rn ON rn.oid = r.relnamespace
  LEFT JOIN weight w ON w.root = k.conrelid
 WHERE k.contype = 'f' AND k.conparentid = 0
   AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'agentdb', 'agentdb_archive') AND n.nspname !~ '^pg_(toast|temp_)'
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = t.oid AND d.deptype = 'e')
   AND NOT EXISTS (
        SELECT FROM pg_index x
         WHERE x.indrelid = k.conrelid AND x.indisvalid AND x.indnkeyatts >= cardinality(k.conkey)
           AND (string_to_array(x.indkey::text, ' ')::int2[])[1:cardinality(k.conkey)] <@ k.conkey
           AND k.conkey <@ (string_to_array(x.indkey::text, ' ')::int2[])[1:cardinality(k.conkey)]
           AND (x.indpred IS NULL
                OR x.indrelid IN (SELECT relation FROM busy)
                OR substring(pg_get_indexdef(x.indexrelid) FROM ' WHERE (.*)$')
                   ~ '^\(?\(?("(?:[^"]|"")+"|\w+) IS NOT NULL\)?(?: AND \(("(?:[^"]|"")+"|\w+) IS NOT NULL\))*\)?$'))
 ORDER BY rows DESC, 1, 2, 3
