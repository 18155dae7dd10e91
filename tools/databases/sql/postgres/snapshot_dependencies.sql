-- What needs what, objects of people only; a default speaks for its column. Left out as they are bookkeeping: a row
-- type's hold on its table, TOAST tables, the triggers inside foreign keys, the schema that everything lies in; and,
-- as other properties tell them, the own columns of constraints and plain indexes, and a default's own column.
SELECT
    CASE WHEN f.oid IS NULL THEN d.classid ELSE 'pg_class'::regclass::oid END,
    coalesce(f.adrelid, d.objid), coalesce(f.adnum, d.objsubid), d.refclassid, d.refobjid, d.refobjsubid, d.deptype::text
FROM pg_depend d
LEFT JOIN pg_attrdef f ON d.classid = 'pg_attrdef'::regclass AND f.oid = d.objid
WHERE d.objid >= 16384 AND (d.refobjid >= 16384 OR d.refclassid = 'pg_extension'::regclass)
  AND d.deptype IN ('n', 'a', 'i', 'P', 'S', 'x')
  AND d.refclassid <> 'pg_namespace'::regclass
  AND NOT (d.deptype = 'i' AND d.classid IN ('pg_type'::regclass, 'pg_trigger'::regclass))
  AND NOT (d.deptype = 'i' AND d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
           AND d.refobjsubid = 0)
  AND NOT (d.deptype = 'a' AND d.classid = 'pg_constraint'::regclass)
  AND NOT (d.deptype = 'a' AND d.classid = 'pg_class'::regclass AND d.refobjsubid <> 0
           AND d.objid IN (SELECT i.indexrelid FROM pg_index i WHERE i.indexprs IS NULL AND i.indpred IS NULL))
  AND (f.oid IS NULL OR d.refclassid <> 'pg_class'::regclass OR d.refobjid <> f.adrelid OR d.refobjsubid <> f.adnum)
