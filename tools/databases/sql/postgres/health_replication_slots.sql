-- Replication slots and how much WAL the server keeps for each. wal_status and inactive_since are newer columns: NULL where
-- the server has none (manual, pg_replication_slots; 13 and 17).
SELECT s.slot_name::text AS slot, s.slot_type AS type, s.database::text AS database, s.active,
       (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END - s.restart_lsn)::bigint AS kept_bytes,
       to_jsonb(s) ->> 'wal_status' AS wal_status,
       (to_jsonb(s) ->> 'safe_wal_size')::bigint AS safe_bytes,
       extract(epoch FROM now() - (to_jsonb(s) ->> 'inactive_since')::timestamptz)::float8 AS inactive_seconds,
       to_jsonb(s) ->> 'invalidation_reason' AS invalidation_reason,
       current_setting('max_slot_wal_keep_size') AS max_slot_wal_keep_size
  FROM pg_replication_slots s
 WHERE NOT s.temporary
 ORDER BY kept_bytes DESC NULLS LAST, 1
