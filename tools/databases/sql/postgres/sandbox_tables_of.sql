-- The tables that names mean on the session's search path; an index means its table.
SELECT DISTINCT coalesce(i.indrelid, c.oid)::bigint
FROM pg_catalog.unnest(%s::text[]) AS name
JOIN pg_catalog.pg_class c ON c.oid = pg_catalog.to_regclass(name)
LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
