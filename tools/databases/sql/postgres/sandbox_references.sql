-- Foreign keys between different tables; the last column: whether deleting from the parent writes to the child.
-- confdeltype (manual, pg_constraint): a no action, r restrict, c cascade, n set null, d set default.
SELECT DISTINCT conrelid::bigint, confrelid::bigint, pg_catalog.bool_or(confdeltype NOT IN ('a', 'r'))
FROM pg_catalog.pg_constraint
WHERE contype = 'f' AND conrelid <> confrelid
GROUP BY conrelid, confrelid
