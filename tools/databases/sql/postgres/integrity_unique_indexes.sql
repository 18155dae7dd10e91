-- Unique indexes that are not valid: what they are to be unique over, with each part's collation where it is not the column's.
-- foreign_code: functions in it that belong neither to the server nor to an extension; a question does not run them.
SELECT n.nspname::text AS schema, t.relname::text AS "table", i.relname::text AS index,
       coalesce((to_jsonb(x) ->> 'indnullsnotdistinct')::boolean, false) AS nulls_count,
       (SELECT array_agg(pg_get_indexdef(i.oid, k.number, false) ORDER BY k.number)
          FROM generate_series(1, x.indnkeyatts::int) AS k (number)) AS parts,
       (SELECT array_agg(CASE WHEN l.oid IS NULL OR l.oid = a.attcollation THEN ''
                              ELSE quote_ident(ln.nspname) || '.' || quote_ident(l.collname) END ORDER BY k.number)
          FROM generate_series(1, x.indnkeyatts::int) AS k (number)
          JOIN pg_attribute a ON a.attrelid = i.oid AND a.attnum = k.number
          LEFT JOIN pg_collation l ON l.oid = (string_to_array(x.indcollation::text, ' ')::oid[])[k.number]
          LEFT JOIN pg_namespace ln ON ln.oid = l.collnamespace) AS collations,
       pg_get_expr(x.indpred, x.indrelid) AS condition,
       coalesce((SELECT array_agg(DISTINCT quote_ident(pn.nspname) || '.' || quote_ident(p.proname))
                   FROM pg_depend d
                   LEFT JOIN pg_operator o ON d.refclassid = 'pg_operator'::regclass AND o.oid = d.refobjid
                   JOIN pg_proc p ON p.oid = CASE WHEN d.refclassid = 'pg_proc'::regclass THEN d.refobjid ELSE o.oprcode::oid END
                   JOIN pg_namespace pn ON pn.oid = p.pronamespace
                  WHERE d.classid = 'pg_class'::regclass AND d.objid = i.oid
                    AND d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass) AND p.oid >= 16384
                    AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid AND e.deptype = 'e')),
                '{}') AS foreign_code
  FROM pg_index x
  JOIN pg_class i ON i.oid = x.indexrelid AND i.relkind = 'i'
  JOIN pg_class t ON t.oid = x.indrelid
  JOIN pg_namespace n ON n.oid = t.relnamespace
 WHERE x.indisunique AND NOT x.indisvalid AND n.nspname !~ '^pg_(temp_|toast)'
 ORDER BY 1, 2, 3
