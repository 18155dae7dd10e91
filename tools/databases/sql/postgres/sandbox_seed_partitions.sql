-- For each partitioned table, what a row must satisfy to land in each of its leaves (NULL where anything does).
SELECT root.oid::bigint, pg_catalog.pg_get_partition_constraintdef(leaf.relid),
       pg_catalog.pg_get_expr(c.relpartbound, c.oid) = 'DEFAULT'
FROM pg_catalog.pg_class root
CROSS JOIN LATERAL pg_catalog.pg_partition_tree(root.oid) leaf
JOIN pg_catalog.pg_class c ON c.oid = leaf.relid
WHERE root.relkind = 'p' AND NOT root.relispartition AND leaf.isleaf AND leaf.relid <> root.oid
ORDER BY 1, 3, c.relname
