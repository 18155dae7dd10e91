-- an index by name in the schema of a table: its schema, whether it belongs to that table, whether it is valid
SELECT n.nspname, coalesce(i.indrelid = t.oid, false), coalesce(i.indisvalid AND i.indisready AND i.indislive, false)
FROM pg_catalog.pg_class t
JOIN pg_catalog.pg_class c ON c.relnamespace = t.relnamespace AND c.relname = %(name)s
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
WHERE t.oid = pg_catalog.to_regclass(%(relation)s)
