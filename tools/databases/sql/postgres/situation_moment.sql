-- When the facts were collected, by the server's clock, and how many deadlocks this database had since its counters began.
SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS taken_at,
       d.deadlocks,
       extract(epoch FROM now() - coalesce(d.stats_reset, pg_postmaster_start_time()))::float8 AS counted_seconds,
       (SELECT array_agg(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()) AS sessions,
       (SELECT jsonb_object_agg(pid::text, to_char(backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'))
          FROM pg_stat_activity WHERE datname = current_database() AND backend_start IS NOT NULL) AS starts
  FROM pg_stat_database d WHERE d.datname = current_database()
