-- The columns of a relation with their types; for a domain also the type below it. plain: its values are compared and
-- printed by the server's own code alone (types of the server, enums, and domains over such).
SELECT a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS type,
       format_type(coalesce(b.oid, t.oid), CASE WHEN b.oid IS NULL THEN a.atttypmod ELSE t.typtypmod END) AS base,
       coalesce(b.typtype, t.typtype)::text AS base_kind,
       a.attnotnull AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = a.attrelid AND k.contype = 'n'
                                     AND k.conkey = ARRAY[a.attnum] AND NOT k.convalidated) AS not_null,
       coalesce(b.typtype, t.typtype) = 'e' OR coalesce(b.oid, t.oid) < 16384 AS plain
  FROM pg_attribute a
  JOIN pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_type b ON t.typtype = 'd' AND b.oid = t.typbasetype AND b.typtype <> 'd'
 WHERE a.attrelid = %(oid)s AND a.attnum > 0 AND NOT a.attisdropped
 ORDER BY a.attnum
