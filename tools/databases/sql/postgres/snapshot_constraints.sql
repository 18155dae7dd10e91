-- Constraints of tables and domains. Plain keys and foreign keys come as column numbers and are put together by the
-- reader (keys.py), which asks for the definitions of the rest.
-- Left out: constraint triggers (listed as triggers), NOT NULL of columns (theirs), and the copies of a foreign key
-- that stand for the partitions of the table it refers to (same table as their parent's).
SELECT
    k.oid, k.conrelid, k.contypid, k.conname, k.contype::text,
    k.conkey, k.confrelid, CASE WHEN k.confrelid <> 0 THEN k.confrelid::regclass::text END, k.confkey,
    k.confupdtype::text, k.confdeltype::text, k.confmatchtype::text, k.conindid,
    k.conperiod,  -- since 18
    false,  -- before 18
    CASE WHEN k.condeferrable OR NOT k.convalidated OR k.coninhcount > 0 OR k.connoinherit AND k.contype = 'c'
              OR NOT k.connoinherit AND k.contype IN ('p', 'u', 'x', 'f') AND k.conrelid <> 0
                 AND EXISTS (SELECT FROM pg_class r WHERE r.oid = k.conrelid AND r.relkind = 'r')
              OR NOT k.conenforced  -- since 18
         THEN json_build_object(
            'not_valid', NOT k.convalidated,
            'not_enforced', NOT k.conenforced,  -- since 18
            'deferrable', k.condeferrable,
            'initially_deferred', k.condeferred,
            'no_inherit', k.connoinherit AND k.contype = 'c',
            'inherited', k.coninhcount > 0,
            'also_local', k.coninhcount > 0 AND k.conislocal,
            'attached', k.coninhcount > 0 AND k.connoinherit AND k.contype IN ('p', 'u', 'x'),
            'detached', k.coninhcount = 0 AND NOT k.connoinherit AND k.contype IN ('p', 'u', 'x', 'f')
                        AND EXISTS (SELECT FROM pg_class r WHERE r.oid = k.conrelid AND r.relkind = 'r')
        )
    END
FROM pg_constraint k
WHERE k.connamespace = ANY (%(schemas)s::oid[])
  AND k.contype IN ('c', 'p', 'u', 'f', 'x')
  AND NOT (k.contype = 'f' AND k.conparentid <> 0
           AND EXISTS (SELECT FROM pg_constraint o WHERE o.oid = k.conparentid AND o.conrelid = k.conrelid))
