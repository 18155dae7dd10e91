-- Every column of a table or view of users, for telling what a migration took away.
SELECT n.nspname::text AS schema, c.relname::text AS relation, a.attname::text AS "column", c.relkind IN ('v', 'm') AS view
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'agentdb', 'agentdb_archive')
