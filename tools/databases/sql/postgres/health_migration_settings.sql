-- What a new session of this role gets for the settings that decide how a migration fails. reset_val is the value before
-- any SET of this session. Units as pg_settings has them.
SELECT name, reset_val AS value, coalesce(unit, '') AS unit
  FROM pg_settings
 WHERE name IN ('lock_timeout', 'statement_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout',
                'deadlock_timeout', 'log_lock_waits', 'max_locks_per_transaction', 'track_activity_query_size')
 ORDER BY name
