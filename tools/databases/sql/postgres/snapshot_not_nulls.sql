-- NOT NULL constraints with something to tell: a name that was given and not generated (table_column_not_null), not
-- validated, not inherited further, or only inherited. In pg_constraint since 18, those of domains since 17.
SELECT k.conrelid, k.contypid, k.conkey[1],
    CASE WHEN k.conname NOT LIKE '%%\_not\_null%%' THEN k.conname END, NOT k.convalidated, k.connoinherit,
    k.conrelid <> 0 AND NOT k.conislocal
FROM pg_constraint k
WHERE k.contype = 'n' AND k.connamespace = ANY (%(schemas)s::oid[])
  AND (NOT k.convalidated OR k.connoinherit OR NOT k.conislocal OR k.conname NOT LIKE '%%\_not\_null%%')
