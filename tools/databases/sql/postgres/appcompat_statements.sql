-- The statements that ran most often in this database, as pg_stat_statements keeps them: constants are $1, $2, ...
-- (its schema is first in search_path).
SELECT s.query, sum(s.calls)::bigint AS calls
  FROM pg_stat_statements s
 WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND s.query IS NOT NULL AND s.query <> '<insufficient privilege>' AND length(s.query) <= 50000
 GROUP BY s.query
 ORDER BY 2 DESC, 1
 LIMIT %(most)s
