-- The copies of foreign keys that the server makes for each partition of a table that is referred to: the table that
-- refers, the partition, the referring columns, and the name, which is the server's own choice.
SELECT format('%I.%I', m.nspname, t.relname), format('%I.%I', s.nspname, p.relname),
       ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS c (number, place)
             JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = c.number ORDER BY c.place),
       k.conname::text
FROM pg_catalog.pg_constraint AS k
JOIN pg_catalog.pg_constraint AS o ON o.oid = k.conparentid AND o.conrelid = k.conrelid
JOIN pg_catalog.pg_class AS t ON t.oid = k.conrelid
JOIN pg_catalog.pg_namespace AS m ON m.oid = t.relnamespace
JOIN pg_catalog.pg_class AS p ON p.oid = k.confrelid
JOIN pg_catalog.pg_namespace AS s ON s.oid = p.relnamespace
WHERE k.contype = 'f' AND k.conparentid <> 0
ORDER BY 1, 2, 3, k.oid
