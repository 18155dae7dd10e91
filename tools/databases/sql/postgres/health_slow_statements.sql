-- The statements that took most time, of this database, by pg_stat_statements (its schema is first in search_path).
SELECT left(s.query, 2000) AS query, s.calls, s.total_exec_time AS total_ms, s.mean_exec_time AS mean_ms, s.rows,
       s.total_exec_time / nullif(sum(s.total_exec_time) OVER (), 0) AS share,
       s.query = '<insufficient privilege>' AS hidden
  FROM pg_stat_statements s
 WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
 ORDER BY s.total_exec_time DESC
 LIMIT 10
