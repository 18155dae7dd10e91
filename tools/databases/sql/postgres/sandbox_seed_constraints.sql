-- What rows have to satisfy: foreign keys, checks, and the columns of unique indexes (with their condition, if any).
SELECT conrelid::bigint, contype::text, conname, conkey::int[], confrelid::bigint, confkey::int[],
       pg_catalog.pg_get_expr(conbin, conrelid)
FROM pg_catalog.pg_constraint
WHERE contype IN ('f', 'c') AND conrelid <> 0 AND conparentid = 0
UNION ALL
SELECT indrelid::bigint, 'u', indexrelid::pg_catalog.regclass::text,
       -- key columns only, not those of INCLUDE; 0 stands for an expression
       (pg_catalog.string_to_array(indkey::text, ' ')::int[])[1:indnkeyatts], 0, NULL,
       pg_catalog.pg_get_expr(indpred, indrelid)
FROM pg_catalog.pg_index
WHERE indisunique
ORDER BY 1, 2, 3
