-- How far each standby or subscriber is behind; on a standby, how far the standby itself is behind. bytes: WAL that the
-- sender has and the receiver has not replayed (or flushed, for receivers that replay nothing). A position that the role
-- may not see is NULL and hidden is true.
SELECT 'standby' AS kind, coalesce(nullif(r.application_name, ''), '(unnamed)') AS name, r.state,
       (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END
          - coalesce(r.replay_lsn, r.flush_lsn, r.write_lsn, r.sent_lsn))::bigint AS bytes,
       extract(epoch FROM r.replay_lag)::float8 AS seconds,
       r.state IS NULL AS hidden
  FROM pg_stat_replication r
UNION ALL
SELECT 'self', 'this standby', NULL,
       (pg_last_wal_receive_lsn() - pg_last_wal_replay_lsn())::bigint,
       CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
            ELSE extract(epoch FROM now() - pg_last_xact_replay_timestamp()) END::float8,
       false
 WHERE pg_is_in_recovery()
 ORDER BY bytes DESC NULLS FIRST
