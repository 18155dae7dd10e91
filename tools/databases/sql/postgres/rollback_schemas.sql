-- The oids of the schemas that people made, and of agentdb_archive, where tables may stand that were set aside.
SELECT array_agg(n.oid)
FROM pg_catalog.pg_namespace n
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> 'agentdb'
