-- Functions and procedures whose body is a text, in SQL and PL/pgSQL, that no extension made. The server tracks nothing of what
-- such a body uses. tables: those whose triggers call it.
SELECT quote_ident(n.nspname) || '.' || quote_ident(p.proname) || '(' || pg_get_function_identity_arguments(p.oid) || ')' AS name,
       l.lanname::text AS language, p.prosrc AS source, pg_get_functiondef(p.oid) AS definition,
       coalesce((SELECT array_agg(DISTINCT tn.nspname || '.' || c.relname) FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid
                   JOIN pg_namespace tn ON tn.oid = c.relnamespace WHERE g.tgfoid = p.oid), '{}')::text[] AS tables
  FROM pg_proc p
  JOIN pg_namespace n ON n.oid = p.pronamespace
  JOIN pg_language l ON l.oid = p.prolang
 WHERE p.oid >= 16384 AND l.lanname IN ('sql', 'plpgsql') AND p.prokind IN ('f', 'p')
   AND (to_jsonb(p) ->> 'prosqlbody') IS NULL
   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'agentdb', 'agentdb_archive')
   AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid AND e.deptype = 'e')
 ORDER BY 1
