-- The oids of the schemas that people made, those left out that agentdb keeps for itself.
SELECT array_agg(n.oid)
FROM pg_catalog.pg_namespace n
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname NOT IN ('agentdb', 'agentdb_archive')
