-- A constraint of a table or domain that is not validated yet, as ALTER ... ADD CONSTRAINT would write it.
SELECT quote_ident(k.conname) AS name, pg_get_constraintdef(k.oid) AS definition
  FROM pg_constraint k
 WHERE (k.conrelid = %(oid)s OR k.contypid = %(oid)s) AND k.conname = %(name)s::name AND NOT k.convalidated
