-- What objects are called, by their address in the catalog (catalog, oid, number): the address stays when the name
-- changes. Enum labels and attributes of composite types have rows too (name in the fifth column, type in the fourth).
-- The last two columns are the type as printed (of columns and attributes) and the storage file (of tables).
SELECT 'schema', n.oid::bigint, 0, '', '', n.nspname::text, '', 0::bigint
FROM pg_catalog.pg_namespace n
WHERE n.oid = ANY (%(schemas)s::oid[])
UNION ALL
SELECT CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'table' WHEN 'f' THEN 'foreign_table' WHEN 'v' THEN 'view'
           WHEN 'm' THEN 'materialized_view' WHEN 'S' THEN 'sequence' WHEN 'c' THEN 'composite' ELSE 'index' END,
       c.oid::bigint, 0, n.nspname::text, coalesce(t.relname::text, ''), c.relname::text, c.relkind::text,
       coalesce(pg_catalog.pg_relation_filenode(c.oid), 0)::bigint
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
LEFT JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
WHERE c.relnamespace = ANY (%(schemas)s::oid[]) AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S', 'c', 'i', 'I')
UNION ALL
SELECT CASE WHEN c.relkind = 'c' THEN 'attribute' ELSE 'column' END,
       a.attrelid::bigint, a.attnum, n.nspname::text, c.relname::text, a.attname::text,
       pg_catalog.format_type(a.atttypid, a.atttypmod), 0
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relnamespace = ANY (%(schemas)s::oid[]) AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'c')
  AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT CASE WHEN k.contypid = 0 THEN 'constraint' ELSE 'domain_constraint' END,
       k.oid::bigint, 0, n.nspname::text, coalesce(c.relname, t.typname)::text, k.conname::text, k.contype::text, 0
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_namespace n ON n.oid = k.connamespace
LEFT JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
LEFT JOIN pg_catalog.pg_type t ON t.oid = k.contypid
WHERE k.connamespace = ANY (%(schemas)s::oid[]) AND (k.contype IN ('c', 'p', 'u', 'f', 'x')
    OR k.contype = 'n' AND k.conrelid <> 0 AND k.coninhcount = 0)
UNION ALL
SELECT CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' ELSE 'range' END,
       t.oid::bigint, 0, n.nspname::text, '', t.typname::text, '', 0
FROM pg_catalog.pg_type t
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
WHERE t.typnamespace = ANY (%(schemas)s::oid[]) AND t.typtype IN ('e', 'd', 'r')
UNION ALL
SELECT 'label', e.oid::bigint, 0, n.nspname::text, t.typname::text, e.enumlabel::text, '', 0
FROM pg_catalog.pg_enum e
JOIN pg_catalog.pg_type t ON t.oid = e.enumtypid
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
WHERE t.typnamespace = ANY (%(schemas)s::oid[])
UNION ALL
SELECT CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END,
       p.oid::bigint, 0, n.nspname::text, '',
       p.proname || '(' || pg_catalog.oidvectortypes(p.proargtypes) || ')', '', 0
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE p.pronamespace = ANY (%(schemas)s::oid[])
UNION ALL
SELECT 'trigger', g.oid::bigint, 0, n.nspname::text, c.relname::text, g.tgname::text, '', 0
FROM pg_catalog.pg_trigger g
JOIN pg_catalog.pg_class c ON c.oid = g.tgrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE NOT g.tgisinternal AND c.relnamespace = ANY (%(schemas)s::oid[])
UNION ALL
SELECT 'policy', p.oid::bigint, 0, n.nspname::text, c.relname::text, p.polname::text, '', 0
FROM pg_catalog.pg_policy p
JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relnamespace = ANY (%(schemas)s::oid[])
UNION ALL
SELECT 'rule', r.oid::bigint, 0, n.nspname::text, c.relname::text, r.rulename::text, '', 0
FROM pg_catalog.pg_rewrite r
JOIN pg_catalog.pg_class c ON c.oid = r.ev_class
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE r.rulename <> '_RETURN' AND c.relnamespace = ANY (%(schemas)s::oid[])
