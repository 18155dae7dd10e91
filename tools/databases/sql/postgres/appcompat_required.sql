-- The columns that an INSERT must give a value: NOT NULL, and nothing fills them. filled: a trigger may.
SELECT n.nspname::text AS schema, c.relname::text AS "table", a.attname::text AS "column", a.attnum::int AS number,
       n.nspname = ANY (current_schemas(true)) AS in_path,
       EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = c.oid AND NOT g.tgisinternal AND g.tgenabled <> 'D'
                AND g.tgtype & 7 = 7) AS filled
  FROM pg_attribute a
  JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p')
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_type t ON t.oid = a.atttypid
 WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attnotnull AND NOT a.atthasdef AND a.attidentity = ''
   AND a.attgenerated = '' AND t.typdefault IS NULL
   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'agentdb', 'agentdb_archive')
