-- The definitions that the reader could not put together itself (see constraints.py, indexes.py).
SELECT 'pg_constraint'::regclass::oid, k.oid, pg_get_constraintdef(k.oid) FROM unnest(%(constraints)s::oid[]) AS k (oid)
UNION ALL
SELECT 'pg_class'::regclass, i.oid, pg_get_indexdef(i.oid) FROM unnest(%(indexes)s::oid[]) AS i (oid)
