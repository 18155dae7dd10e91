-- What was kept before these migrations, and whether the copies are still there.
SELECT t.migration, t.relation, t.archive, t.kept,
       pg_catalog.to_regclass('agentdb_archive.' || pg_catalog.quote_ident(t.archive)) IS NOT NULL
FROM agentdb_archive.tables AS t
WHERE t.migration = ANY (%(labels)s)
ORDER BY t.migration, t.relation;
