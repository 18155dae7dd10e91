-- Indexes. Those without expressions, conditions, options and of method btree are put together by the reader
-- (keys.py), which asks for the definitions of the rest. What few indexes have comes in the last column, NULL for most.
SELECT
    i.indexrelid, i.indrelid, c.relname, am.amname, i.indisunique,
    i.indexprs IS NULL AND i.indpred IS NULL AND c.reloptions IS NULL AND c.relkind = 'i' AND am.amname = 'btree'
        AND NOT i.indnullsnotdistinct  -- since 15
        AND true,
    i.indnkeyatts, i.indkey::int2[], i.indclass::oid[], i.indcollation::oid[], i.indoption::int2[],
    CASE WHEN i.indexprs IS NOT NULL THEN
        ARRAY(SELECT pg_get_indexdef(i.indexrelid, k, false) FROM generate_series(1, i.indnkeyatts) k)
    END,
    i.indnullsnotdistinct,  -- since 15
    false,  -- before 15
    CASE WHEN i.indpred IS NOT NULL OR NOT (i.indisvalid AND i.indisready AND i.indislive) OR i.indisreplident
              OR i.indisclustered OR c.reloptions IS NOT NULL OR c.reltablespace <> 0 OR c.relispartition
              OR i.indexprs IS NOT NULL
         THEN json_build_object(
            'predicate', pg_get_expr(i.indpred, i.indrelid),
            'invalid', NOT (i.indisvalid AND i.indisready AND i.indislive),
            'replica_identity', i.indisreplident,
            'clustered', i.indisclustered,
            'options', c.reloptions,
            'tablespace', (SELECT ts.spcname FROM pg_tablespace ts WHERE ts.oid = c.reltablespace),
            'partition_of', (SELECT p.inhparent::regclass FROM pg_inherits p WHERE p.inhrelid = c.oid),
            'statistics_targets', (SELECT json_object_agg(a.attnum, a.attstattarget ORDER BY a.attnum)
                                   FROM pg_attribute a WHERE a.attrelid = i.indexrelid AND a.attstattarget >= 0)
        )
    END
FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_am am ON am.oid = c.relam
WHERE c.relnamespace = ANY (%(schemas)s::oid[])
