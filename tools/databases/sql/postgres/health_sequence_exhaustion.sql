-- How much of its range each sequence has used. The range ends where the sequence ends or where the column that takes
-- its values ends (an integer column with a bigint sequence), whichever comes first. last_value is NULL when the sequence
-- was never used or the role may not read it. Columns that are tied by ownership, identity or default count.
WITH RECURSIVE base (oid, root) AS (
    SELECT oid, oid FROM pg_type WHERE typtype <> 'd'
    UNION ALL
    SELECT t.oid, b.root FROM pg_type t JOIN base b ON t.typbasetype = b.oid WHERE t.typtype = 'd'
),
tied AS (
    SELECT d.objid AS sequence, d.refobjid AS relation, d.refobjsubid AS number
      FROM pg_depend d
     WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
    UNION
    SELECT d.refobjid, f.adrelid, f.adnum
      FROM pg_depend d JOIN pg_attrdef f ON f.oid = d.objid
     WHERE d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass
),
entry AS (
    SELECT q.seqrelid, n.nspname, c.relname, q.seqincrement AS step, q.seqcycle,
           tn.nspname AS table_schema, t.relname AS tablename, a.attname, format_type(a.atttypid, a.atttypmod) AS column_type,
           CASE b.root WHEN 'int2'::regtype THEN 32767 WHEN 'int4'::regtype THEN 2147483647 END AS column_max,
           CASE b.root WHEN 'int2'::regtype THEN -32768 WHEN 'int4'::regtype THEN -2147483648 END AS column_min,
           q.seqmin, q.seqmax, q.seqstart,
           has_sequence_privilege(q.seqrelid, 'SELECT, USAGE') AS readable,
           CASE WHEN has_sequence_privilege(q.seqrelid, 'SELECT, USAGE') THEN pg_sequence_last_value(q.seqrelid) END AS last_value
      FROM pg_sequence q
      JOIN pg_class c ON c.oid = q.seqrelid AND c.relpersistence <> 't'
      JOIN pg_namespace n ON n.oid = c.relnamespace
      LEFT JOIN tied ON tied.sequence = q.seqrelid
      LEFT JOIN pg_attribute a ON a.attrelid = tied.relation AND a.attnum = tied.number
      LEFT JOIN base b ON b.oid = a.atttypid
      LEFT JOIN pg_class t ON t.oid = tied.relation
      LEFT JOIN pg_namespace tn ON tn.oid = t.relnamespace
),
bounded AS (
    SELECT e.*,
           least(seqmax, coalesce(column_max, seqmax)) AS top,
           greatest(seqmin, coalesce(column_min, seqmin)) AS bottom
      FROM entry e
)
SELECT nspname::text AS schema, relname::text AS sequence,
       table_schema::text AS table_schema, tablename::text AS "table", attname::text AS "column", column_type,
       last_value, step, top, bottom, seqmax AS sequence_max,
       coalesce(column_max < seqmax AND step > 0, false) AS column_ends_first,
       readable,
       CASE WHEN last_value IS NULL THEN NULL
            WHEN step > 0 THEN greatest(0, (top::numeric - last_value) / step)
            ELSE greatest(0, (last_value - bottom::numeric) / -step) END::float8 AS values_left,
       CASE WHEN last_value IS NULL THEN NULL
            WHEN top = bottom THEN 1
            WHEN step > 0 THEN (last_value::numeric - least(seqmin, seqstart, top)) / nullif(top::numeric - least(seqmin, seqstart, top), 0)
            ELSE (greatest(seqmax, seqstart)::numeric - last_value) / nullif(greatest(seqmax, seqstart)::numeric - bottom, 0) END::float8 AS used
  FROM bounded
 WHERE NOT seqcycle OR (step > 0 AND column_max < seqmax)
 ORDER BY used DESC NULLS LAST, 1, 2
