-- CHECK and NOT NULL constraints that older rows may break, with the condition as the server prints it. foreign_code:
-- functions in the condition that belong neither to the server nor to an extension; a question does not run them.
WITH foreign_code AS (
    SELECT d.objid AS constraint, array_agg(DISTINCT quote_ident(n.nspname) || '.' || quote_ident(p.proname)) AS names
      FROM pg_depend d
      LEFT JOIN pg_operator o ON d.refclassid = 'pg_operator'::regclass AND o.oid = d.refobjid
      JOIN pg_proc p ON p.oid = CASE WHEN d.refclassid = 'pg_proc'::regclass THEN d.refobjid ELSE o.oprcode::oid END
      JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE d.classid = 'pg_constraint'::regclass AND d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass)
       AND p.oid >= 16384
       AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid AND e.deptype = 'e')
     GROUP BY d.objid
)
SELECT n.nspname::text AS schema, t.relname::text AS "table", k.conname::text AS constraint, k.contype::text AS kind,
       coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true) AS enforced,
       CASE WHEN k.contype = 'c' THEN pg_get_expr(k.conbin, k.conrelid) END AS condition,
       CASE WHEN k.contype = 'n' THEN (SELECT attname::text FROM pg_attribute WHERE attrelid = k.conrelid AND attnum = k.conkey[1]) END AS "column",
       coalesce(f.names, '{}') AS foreign_code
  FROM pg_constraint k
  JOIN pg_class t ON t.oid = k.conrelid
  JOIN pg_namespace n ON n.oid = t.relnamespace
  LEFT JOIN foreign_code f ON f.constraint = k.oid
 WHERE k.contype IN ('c', 'n') AND NOT k.convalidated AND k.conparentid = 0 AND k.coninhcount = 0
   AND n.nspname !~ '^pg_temp_'
 ORDER BY 1, 2, 3
