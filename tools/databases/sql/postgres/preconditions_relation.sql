-- A relation by its oid: what it is, how large, what happens besides when it is written, how it is partitioned.
-- rows: reltuples, or for a table that was never analysed a guess of 100 bytes a row. fires: triggers of users, rules,
-- or foreign keys of other tables that cascade, so that writing it may change something else.
SELECT n.nspname::text AS schema, c.relname::text AS name, c.relkind::text AS kind, c.oid::bigint AS oid,
       CASE WHEN c.relkind = 'p' THEN coalesce((SELECT sum(greatest(p.reltuples, 0)) FROM pg_partition_tree(c.oid) t
                                                  JOIN pg_class p ON p.oid = t.relid AND t.isleaf), 0)
            WHEN c.reltuples >= 0 THEN c.reltuples
            WHEN c.relkind IN ('r', 'm') THEN pg_relation_size(c.oid) / 100 ELSE 0 END::bigint AS rows,
       c.relkind = 'r' AND EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = c.oid) AS parent,
       EXISTS (SELECT FROM pg_inherits i WHERE c.oid IN (i.inhparent, i.inhrelid)) AS family,
       EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = c.oid AND NOT g.tgisinternal AND g.tgenabled <> 'D')
         OR EXISTS (SELECT FROM pg_rewrite w WHERE w.ev_class = c.oid AND w.ev_type <> '1')
         OR EXISTS (SELECT FROM pg_constraint k WHERE k.confrelid = c.oid AND k.contype = 'f'
                    AND (k.confdeltype IN ('c', 'n', 'd') OR k.confupdtype IN ('c', 'n', 'd'))) AS fires,
       k.partstrat::text AS strategy,
       CASE WHEN 0 = ANY (k.partattrs::int2[]) THEN NULL
            ELSE (SELECT array_agg(a.attname::text ORDER BY o.place) FROM unnest(k.partattrs::int2[]) WITH ORDINALITY o (number, place)
                    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = o.number) END AS key,
       nullif(k.partdefid, 0)::bigint AS default_partition,
       coalesce((SELECT array_agg(a.attname::text ORDER BY o.place) FROM pg_index x, unnest(x.indkey::int2[]) WITH ORDINALITY o (number, place)
                   JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = o.number
                  WHERE x.indrelid = c.oid AND x.indisprimary AND o.place <= x.indnkeyatts), '{}') AS primary_key
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_partitioned_table k ON k.partrelid = c.oid
 WHERE c.oid = %(oid)s
