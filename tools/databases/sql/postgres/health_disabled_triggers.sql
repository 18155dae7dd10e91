-- Triggers that are switched off. internal: one that enforces a foreign key, so the key is not enforced while it is off.
-- A trigger that fires on replicas only (R) does not fire for an ordinary session either and was meant so.
SELECT n.nspname::text AS schema, t.relname::text AS "table", g.tgname::text AS trigger, g.tgisinternal AS internal,
       k.conname::text AS constraint, kn.nspname::text AS constraint_schema, kt.relname::text AS constraint_table
  FROM pg_trigger g
  JOIN pg_class t ON t.oid = g.tgrelid
  JOIN pg_namespace n ON n.oid = t.relnamespace
  LEFT JOIN pg_constraint k ON k.oid = g.tgconstraint
  LEFT JOIN pg_class kt ON kt.oid = k.conrelid
  LEFT JOIN pg_namespace kn ON kn.oid = kt.relnamespace
 WHERE g.tgenabled = 'D' AND n.nspname !~ '^pg_temp_'
 ORDER BY g.tgisinternal DESC, 1, 2, 3
