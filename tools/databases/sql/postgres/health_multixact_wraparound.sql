-- How old the oldest multixact is, by database and by table of this database, counted in multixacts.
SELECT 'database' AS kind, datname::text AS name, mxid_age(datminmxid)::bigint AS age
  FROM pg_database
UNION ALL
(SELECT 'table', quote_ident(n.nspname) || '.' || quote_ident(c.relname),
        greatest(mxid_age(c.relminmxid), mxid_age(o.relminmxid))::bigint
   FROM pg_class c
   LEFT JOIN pg_class o ON o.oid = c.reltoastrelid
   JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'm') AND c.relminmxid <> 0
  ORDER BY 3 DESC, 2 LIMIT 10)
UNION ALL
SELECT 'setting', 'autovacuum_multixact_freeze_max_age', current_setting('autovacuum_multixact_freeze_max_age')::bigint
