-- The queries of views and materialized views.
SELECT c.oid, pg_get_viewdef(c.oid)
FROM pg_class c
WHERE c.relnamespace = ANY (%(schemas)s::oid[]) AND c.relkind IN ('v', 'm')
