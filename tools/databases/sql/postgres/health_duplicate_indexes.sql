-- Pairs of indexes of a table where one does the other's work: the same index twice, or a key that is the
-- beginning of another one's. Never proposes an index that enforces something the other does not. An index with
-- an expression or a condition is left out while somebody holds ACCESS EXCLUSIVE on its table.
WITH busy AS MATERIALIZED (
    -- printing a definition locks its table: not where somebody has or waits for ACCESS EXCLUSIVE
    SELECT l.relation FROM pg_locks l
     WHERE l.mode = 'AccessExclusiveLock' AND l.locktype = 'relation' AND l.pid IS DISTINCT FROM pg_backend_pid()
       AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
),
shape AS MATERIALIZED (
    -- a plain index is known by its catalog row, one with an expression or a condition by how the server prints it
    SELECT x.indexrelid,
           CASE WHEN x.indexprs IS NULL AND x.indpred IS NULL
                THEN concat_ws('/', i.relam, x.indkey, x.indnkeyatts, x.indclass, x.indcollation, x.indoption,
                               CASE WHEN x.indisunique AND to_jsonb(x) ->> 'indnullsnotdistinct' = 'true' THEN 'nulls' END)
                ELSE substring(d.definition FROM ' USING (.*)$') END AS body,
           CASE WHEN x.indpred IS NULL THEN '' ELSE substring(d.definition FROM ' WHERE (.*)$') END AS predicate
      FROM pg_index x
      JOIN pg_class i ON i.oid = x.indexrelid
      CROSS JOIN LATERAL (SELECT CASE WHEN x.indexprs IS NOT NULL OR x.indpred IS NOT NULL
                                      THEN pg_get_indexdef(x.indexrelid) END AS definition OFFSET 0) d
     WHERE x.indexprs IS NULL AND x.indpred IS NULL OR x.indrelid NOT IN (SELECT relation FROM busy)
),
backing AS MATERIALIZED (
    SELECT conindid, bool_or(contype = 'f') AS referenced,
           min(conname::text) FILTER (WHERE contype IN ('p', 'u', 'x')) AS conname
      FROM pg_constraint WHERE conindid <> 0 GROUP BY conindid
),
of_extensions AS MATERIALIZED (
    SELECT objid FROM pg_depend WHERE classid = 'pg_class'::regclass AND deptype = 'e'
),
entry AS MATERIALIZED (
    SELECT x.indexrelid, x.indrelid, i.relname, i.relam, i.relkind, x.indisunique, x.indisprimary, x.indnkeyatts,
           n.nspname, t.relname AS tablename,
           string_to_array(x.indkey::text, ' ') AS keys,
           string_to_array(x.indclass::text, ' ') AS classes,
           string_to_array(x.indcollation::text, ' ') AS collations,
           string_to_array(x.indoption::text, ' ') AS options,
           x.indexprs IS NOT NULL AS expressions,
           s.body, s.predicate,
           c.conname,
           -- what stands in the way of dropping it: 8 a foreign key, replica identity or exclusion leans on it,
           -- 4 primary key, 2 unique constraint, 1 unique index
           (x.indisreplident OR x.indisexclusion OR coalesce(c.referenced, false))::int * 8
             + x.indisprimary::int * 4 + (c.conname IS NOT NULL)::int * 2 + x.indisunique::int AS worth,
           x.indisunique AND x.indimmediate AS enforces_now,
           i.relpages::bigint * current_setting('block_size')::bigint AS bytes
      FROM pg_index x
      JOIN shape s ON s.indexrelid = x.indexrelid
      JOIN pg_class i ON i.oid = x.indexrelid
      JOIN pg_class t ON t.oid = x.indrelid
      JOIN pg_namespace n ON n.oid = t.relnamespace
      LEFT JOIN backing c ON c.conindid = x.indexrelid
     WHERE x.indisvalid AND x.indisready
       AND NOT i.relispartition
       AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'agentdb', 'agentdb_archive') AND n.nspname !~ '^pg_(toast|temp_)'
       AND t.oid NOT IN (SELECT objid FROM of_extensions)
),
same AS (
    SELECT a.*, b.relname AS kept, 'duplicate' AS kind
      FROM entry a
      JOIN entry b ON a.indrelid = b.indrelid AND a.indexrelid <> b.indexrelid
                  AND a.body = b.body AND a.indisunique <= b.indisunique
     WHERE a.worth < 4 AND (a.worth, -a.indexrelid::bigint) < (b.worth, -b.indexrelid::bigint)
       AND a.enforces_now <= b.enforces_now
),
prefix AS (
    SELECT a.*, b.relname AS kept, 'redundant' AS kind
      FROM entry a
      JOIN entry b ON a.indrelid = b.indrelid AND a.indexrelid <> b.indexrelid
                  AND a.indnkeyatts < b.indnkeyatts
                  AND a.keys[1:a.indnkeyatts] = b.keys[1:a.indnkeyatts]
                  AND a.classes[1:a.indnkeyatts] = b.classes[1:a.indnkeyatts]
                  AND a.collations[1:a.indnkeyatts] = b.collations[1:a.indnkeyatts]
                  AND a.options[1:a.indnkeyatts] = b.options[1:a.indnkeyatts]
                  AND a.predicate = b.predicate
      JOIN pg_am m ON m.oid = a.relam AND m.amname = 'btree' AND b.relam = a.relam
     WHERE a.worth = 0 AND NOT a.expressions AND NOT b.expressions
       AND cardinality(a.keys) = a.indnkeyatts
)
SELECT DISTINCT ON (nspname, tablename, relname)
       nspname::text AS schema, tablename::text AS "table", relname::text AS index, kept::text AS kept, kind,
       conname::text AS constraint, relkind = 'I' AS partitioned, bytes
  FROM (SELECT * FROM same UNION ALL SELECT * FROM prefix) found
 ORDER BY nspname, tablename, relname, kind, kept
