-- Blocks of this database found in shared buffers and asked of the operating system since the counters began.
SELECT blks_hit AS hit, blks_read AS read,
       extract(epoch FROM now() - coalesce(stats_reset, pg_postmaster_start_time()))::float8 AS counted_seconds,
       current_setting('shared_buffers') AS shared_buffers
  FROM pg_stat_database WHERE datname = current_database()
