-- Sequences with the columns that take their values: the value that nextval() gives next. Sequences that the role may not
-- read have readable false. A sequence that was never used gives its start value next.
SELECT DISTINCT n.nspname::text AS schema, c.relname::text AS sequence,
       tn.nspname::text AS table_schema, t.relname::text AS "table", a.attname::text AS "column",
       q.seqincrement AS step,
       has_sequence_privilege(q.seqrelid, 'SELECT, USAGE') AS readable,
       CASE WHEN has_sequence_privilege(q.seqrelid, 'SELECT, USAGE')
            THEN coalesce(pg_sequence_last_value(q.seqrelid)::numeric + q.seqincrement, q.seqstart) END AS next_value
  FROM pg_sequence q
  JOIN pg_class c ON c.oid = q.seqrelid AND c.relpersistence <> 't'
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN (SELECT d.objid AS sequence, d.refobjid AS relation, d.refobjsubid AS number
          FROM pg_depend d
         WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
         UNION
        SELECT d.refobjid, f.adrelid, f.adnum
          FROM pg_depend d JOIN pg_attrdef f ON f.oid = d.objid
         WHERE d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass) tied ON tied.sequence = q.seqrelid
  JOIN pg_attribute a ON a.attrelid = tied.relation AND a.attnum = tied.number AND NOT a.attisdropped
  JOIN pg_class t ON t.oid = tied.relation AND t.relkind IN ('r', 'p')
  JOIN pg_namespace tn ON tn.oid = t.relnamespace
 WHERE a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype) AND NOT q.seqcycle
 ORDER BY 1, 2, 3, 4, 5
