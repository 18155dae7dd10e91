-- The key columns of an index of a relation, in order.
SELECT array_agg(a.attname::text ORDER BY o.place) AS columns
  FROM pg_index x
  JOIN pg_class i ON i.oid = x.indexrelid AND i.relname = %(name)s::name
  CROSS JOIN LATERAL unnest(x.indkey::int2[]) WITH ORDINALITY o (number, place)
  JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = o.number
 WHERE x.indrelid = %(oid)s AND o.place <= x.indnkeyatts
