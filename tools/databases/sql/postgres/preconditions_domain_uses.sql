-- The table columns that have a domain as their type; nested: something else is made of the domain (another domain, an array
-- column, a composite type), whose values are not looked at.
SELECT a.attrelid::bigint AS oid, a.attname::text AS "column", false AS nested
  FROM pg_attribute a
  JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p') AND NOT c.relispartition
 WHERE a.atttypid = %(oid)s AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT t.oid::bigint, t.typname::text, true
  FROM pg_type t
 WHERE (t.typtype = 'd' AND t.typbasetype = %(oid)s)
    OR (t.typelem = %(oid)s AND EXISTS (SELECT FROM pg_attribute a WHERE a.atttypid = t.oid AND NOT a.attisdropped))
 ORDER BY 1, 2
