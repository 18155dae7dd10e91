-- Sessions against every limit that stops a new one: the server's (without the reserved slots), this database's and
-- each role's. A session that the role may not look into still counts.
WITH session AS (
    SELECT a.datname, a.usename, coalesce(nullif(a.application_name, ''), '(unnamed)') AS application, a.state
      FROM pg_stat_activity a
     WHERE a.datname IS NOT NULL AND coalesce(a.backend_type, 'client backend') = 'client backend'
)
SELECT 'server' AS kind, 'max_connections' AS name, (SELECT count(*) FROM session) AS used,
       current_setting('max_connections')::bigint - current_setting('superuser_reserved_connections')::bigint
         - coalesce(current_setting('reserved_connections', true)::bigint, 0) AS available
UNION ALL
SELECT 'database', datname::text, (SELECT count(*) FROM session s WHERE s.datname = d.datname), datconnlimit
  FROM pg_database d WHERE datname = current_database() AND datconnlimit >= 0
UNION ALL
SELECT 'role', rolname::text, (SELECT count(*) FROM session s WHERE s.usename = r.rolname), rolconnlimit
  FROM pg_roles r WHERE rolconnlimit >= 0 AND NOT rolsuper
UNION ALL
(SELECT 'application', application, count(*), NULL FROM session GROUP BY application ORDER BY 3 DESC, 2 LIMIT 10)
UNION ALL
SELECT 'state', coalesce(state, 'hidden'), count(*), NULL FROM session GROUP BY 2
