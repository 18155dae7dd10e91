-- Foreign keys that rows may break: NOT VALID, NOT ENFORCED (18), or with their triggers switched off; all of them
-- when %(everything)s. Each pair of columns comes with the operator that the key compares by (pg_constraint.conpfeqop).
SELECT n.nspname::text AS schema, t.relname::text AS "table", k.conname::text AS constraint,
       rn.nspname::text AS referenced_schema, r.relname::text AS referenced_table,
       k.convalidated AS validated,
       coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true) AS enforced,
       EXISTS (SELECT FROM pg_trigger g WHERE g.tgconstraint = k.oid AND g.tgenabled = 'D') AS triggers_off,
       k.confmatchtype = 'f' AS match_full,
       coalesce((to_jsonb(k) ->> 'conperiod')::boolean, false) AS period,
       (SELECT array_agg(a.attname::text ORDER BY o.place) FROM unnest(k.conkey) WITH ORDINALITY o (number, place)
          JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = o.number) AS columns,
       (SELECT array_agg(a.attname::text ORDER BY o.place) FROM unnest(k.confkey) WITH ORDINALITY o (number, place)
          JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = o.number) AS referenced_columns,
       (SELECT array_agg(p.oprname::text ORDER BY o.place) FROM unnest(k.conpfeqop) WITH ORDINALITY o (number, place)
          JOIN pg_operator p ON p.oid = o.number) AS operators,
       (SELECT array_agg(s.nspname::text ORDER BY o.place) FROM unnest(k.conpfeqop) WITH ORDINALITY o (number, place)
          JOIN pg_operator p ON p.oid = o.number JOIN pg_namespace s ON s.oid = p.oprnamespace) AS operator_schemas
  FROM pg_constraint k
  JOIN pg_class t ON t.oid = k.conrelid
  JOIN pg_namespace n ON n.oid = t.relnamespace
  JOIN pg_class r ON r.oid = k.confrelid
  JOIN pg_namespace rn ON rn.oid = r.relnamespace
 WHERE k.contype = 'f' AND k.conparentid = 0 AND n.nspname !~ '^pg_temp_'
   AND (%(everything)s OR NOT k.convalidated
        OR EXISTS (SELECT FROM pg_trigger g WHERE g.tgconstraint = k.oid AND g.tgenabled = 'D'))
 ORDER BY 1, 2, 3
