-- Defaults and generated expressions of columns. A default cannot hold a column of its table, so pg_get_expr needs no
-- relation for it (and opens none); a generated expression does.
SELECT d.adrelid, d.adnum, pg_get_expr(d.adbin, CASE a.attgenerated WHEN '' THEN 0 ELSE d.adrelid END)
FROM pg_attrdef d
JOIN pg_class c ON c.oid = d.adrelid
JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
WHERE c.relnamespace = ANY (%(schemas)s::oid[])
