-- Every type that a column may have, as far as values can be made for it.
SELECT t.oid::bigint, t.typname, t.typtype::text, t.typcategory::text, t.typelem::bigint, t.typbasetype::bigint, t.typtypmod,
       t.typnotnull,
       (SELECT pg_catalog.array_agg(e.enumlabel::text ORDER BY e.enumsortorder) FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid),
       (SELECT pg_catalog.array_agg(pg_catalog.pg_get_expr(k.conbin, 0)) FROM pg_catalog.pg_constraint k
        WHERE k.contypid = t.oid AND k.contype = 'c'),
       (SELECT pg_catalog.array_agg(ARRAY[a.atttypid::bigint, a.atttypmod::bigint] ORDER BY a.attnum)
        FROM pg_catalog.pg_attribute a
        WHERE t.typrelid <> 0 AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped),
       coalesce((SELECT r.rngsubtype::bigint FROM pg_catalog.pg_range r WHERE t.oid IN (r.rngtypid, r.rngmultitypid)), 0)
FROM pg_catalog.pg_type t
WHERE t.typtype <> 'p' AND (t.typrelid = 0 OR t.typrelid >= 16384)
