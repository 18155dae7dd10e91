-- A type by its oid: its name with its schema, its kind, an enum's labels, a domain's conditions. foreign_code: a domain's constraint, or a cast to it,
-- calls code that is not the server's own.
SELECT quote_ident(n.nspname) || '.' || quote_ident(t.typname) AS name, t.typtype::text AS kind, t.oid::bigint AS oid, t.oid < 16384 AS own,
       coalesce((SELECT array_agg(e.enumlabel::text ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid), '{}') AS labels,
       coalesce((SELECT array_agg(pg_get_constraintdef(k.oid) ORDER BY k.conname) FROM pg_constraint k
                  WHERE k.contypid = t.oid AND k.contype = 'c'), '{}') AS checks,
       EXISTS (SELECT FROM pg_constraint k JOIN pg_depend d ON d.classid = 'pg_constraint'::regclass AND d.objid = k.oid
                WHERE k.contypid = t.oid AND d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass) AND d.refobjid >= 16384)
         OR EXISTS (SELECT FROM pg_cast c WHERE c.casttarget IN (t.oid, t.typbasetype) AND c.castfunc >= 16384) AS foreign_code,
       t.typtype = 'd' AND EXISTS (SELECT FROM pg_type b WHERE b.oid = t.typbasetype AND (b.oid >= 16384 AND b.typtype <> 'e')) AS deep
  FROM pg_type t
  JOIN pg_namespace n ON n.oid = t.typnamespace
 WHERE t.oid = %(oid)s
