-- Every table of users with its valid indexes, a row each; one row where there is none. shown, table_shown: as one would
-- write them, of a partition's those of the whole. first: what a B-tree begins with. names: what a statement may call it.
SELECT n.nspname::text AS schema, t.relname::text AS "table", t.oid::bigint AS table_oid,
       coalesce(pg_partition_root(t.oid), t.oid::regclass)::text AS table_shown,
       i.oid::bigint AS index_oid, i.relname::text AS index,
       coalesce(pg_partition_root(i.oid), i.oid::regclass)::text AS shown,
       CASE WHEN m.amname = 'btree' THEN pg_get_indexdef(i.oid, 1, false) END AS first,
       x.indpred IS NOT NULL AS partial,
       ARRAY(SELECT c.relname::text
               FROM unnest(ARRAY[i.oid, pg_partition_root(i.oid), t.oid, pg_partition_root(t.oid)])
                    WITH ORDINALITY AS o (oid, place)
               JOIN pg_class c ON c.oid = o.oid ORDER BY o.place) AS names
  FROM pg_class t
  JOIN pg_namespace n ON n.oid = t.relnamespace
  LEFT JOIN (pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_am m ON m.oid = i.relam)
    ON x.indrelid = t.oid AND x.indisvalid
 WHERE t.relkind IN ('r', 'p', 'm')
   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'agentdb', 'agentdb_archive')
