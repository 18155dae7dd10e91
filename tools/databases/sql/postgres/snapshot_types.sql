-- Types: enums, domains, composites; of array, range and multirange types only what they belong to. A
-- table's row type is told by the table.
SELECT
    t.oid, t.typtype::text, t.typrelid,
    coalesce(r.rngtypid,  -- since 14
    coalesce(NULL,  -- before 14
    array_of.oid), n.nspname, t.typname, pg_get_userbyid(t.typowner),
    coalesce(t.typacl::text, 'T'),
    CASE WHEN t.typtype = 'e' THEN
        ARRAY(SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder)
    END,
    CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END,
    CASE WHEN t.typtype = 'd' AND t.typcollation <> base.typcollation THEN t.typcollation::regcollation::text END,
    t.typnotnull,
    CASE WHEN t.typtype = 'd' THEN pg_get_expr(t.typdefaultbin, 0) END
FROM pg_type t
JOIN pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_type array_of ON array_of.typarray = t.oid
LEFT JOIN pg_range r ON r.rngmultitypid = t.oid  -- since 14
LEFT JOIN pg_type base ON base.oid = t.typbasetype AND t.typtype = 'd'
LEFT JOIN pg_class c ON c.oid = t.typrelid AND c.relkind = 'c'
WHERE t.typnamespace = ANY (%(schemas)s::oid[]) AND (t.typrelid = 0 OR c.oid IS NOT NULL)
