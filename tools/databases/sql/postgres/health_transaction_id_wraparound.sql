-- How old the oldest unfrozen transaction id is, by database, by table of this database (with its TOAST
-- table), and what holds freezing back. Everything counted in transactions.
SELECT 'database' AS kind, datname::text AS name, age(datfrozenxid)::bigint AS age, NULL::bigint AS bytes, NULL::boolean AS autovacuum_off,
       NULL::text AS detail
  FROM pg_database
UNION ALL
(SELECT 'table', quote_ident(n.nspname) || '.' || quote_ident(c.relname),
        greatest(age(c.relfrozenxid), age(o.relfrozenxid))::bigint,
        (c.relpages::bigint + coalesce(o.relpages, 0)) * current_setting('block_size')::bigint,
        coalesce(c.reloptions::text ~ 'autovacuum_enabled=(false|off|0)', false), NULL
   FROM pg_class c
   LEFT JOIN pg_class o ON o.oid = c.reltoastrelid
   JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'm') AND c.relfrozenxid <> 0
  ORDER BY 3 DESC, 4 DESC, 2 LIMIT 10)
UNION ALL
(SELECT 'holder', 'session ' || pid, greatest(age(backend_xmin), age(backend_xid))::bigint, NULL, NULL, coalesce(state, 'hidden')
   FROM pg_stat_activity
  WHERE (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL) AND pid <> pg_backend_pid()
  ORDER BY 3 DESC LIMIT 3)
UNION ALL
(SELECT 'holder', 'replication slot ' || slot_name, greatest(age(xmin), age(catalog_xmin))::bigint, NULL, NULL,
        CASE WHEN active THEN 'active' ELSE 'inactive' END
   FROM pg_replication_slots WHERE xmin IS NOT NULL OR catalog_xmin IS NOT NULL
  ORDER BY 3 DESC LIMIT 3)
UNION ALL
(SELECT 'holder', 'prepared transaction ' || gid, age(transaction)::bigint, NULL, NULL, database::text
   FROM pg_prepared_xacts ORDER BY 3 DESC LIMIT 3)
UNION ALL
SELECT 'setting', 'autovacuum_freeze_max_age', current_setting('autovacuum_freeze_max_age')::bigint, NULL, NULL, NULL
