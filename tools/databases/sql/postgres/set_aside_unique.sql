-- Constraints and unique indexes of a table in which a column stands: name, kind ("index" for one without a
-- constraint), whether the column stands in it alone, whether NULLs are equal in it, and a check's expression.
-- Source: manual, pg_index (indkey, indnullsnotdistinct from 15), pg_depend (columns of expressions and predicates).
SELECT k.conname::text, k.contype::text,
       k.conkey = ARRAY[%(number)s::smallint],
       coalesce((pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false),
       coalesce(pg_catalog.pg_get_expr(k.conbin, k.conrelid), '')
FROM pg_catalog.pg_constraint k
LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = k.conindid AND k.contype IN ('p', 'u', 'x')
WHERE k.conrelid = %(table)s::oid AND k.contype IN ('p', 'u', 'x', 'c', 'f') AND %(number)s = ANY (k.conkey)
UNION ALL
SELECT c.relname::text, 'index',
       used.columns = ARRAY[%(number)s::int],
       coalesce((pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false), ''
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
CROSS JOIN LATERAL (
    SELECT pg_catalog.array_agg(DISTINCT d.refobjsubid ORDER BY d.refobjsubid) AS columns
    FROM pg_catalog.pg_depend d
    WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = i.indexrelid
      AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = i.indrelid AND d.refobjsubid > 0) AS used
WHERE i.indrelid = %(table)s::oid AND i.indisunique AND %(number)s = ANY (used.columns)
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
ORDER BY 1
