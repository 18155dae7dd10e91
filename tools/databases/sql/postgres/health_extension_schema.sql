-- The schema that an extension's objects lie in; no row when the extension is not installed.
SELECT quote_ident(n.nspname) AS schema, e.extversion AS version
  FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
 WHERE e.extname = %(name)s
