-- The columns of the tables that can be filled: ordinary and partitioned ones that are no partitions, of no extension.
SELECT c.oid::bigint, n.nspname, c.relname, c.relkind = 'p',
       a.attname, a.attnum, a.atttypid::bigint, pg_catalog.format_type(a.atttypid, a.atttypmod), a.atttypmod,
       a.attnotnull, a.attidentity <> '', a.attgenerated <> '',
       pg_catalog.pg_get_expr(d.adbin, d.adrelid)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't' AND c.oid >= 16384
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'agentdb', 'agentdb_archive')
  AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_depend e
      WHERE e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND e.objid = c.oid AND e.deptype = 'e'
  )
ORDER BY n.nspname, c.relname, a.attnum
