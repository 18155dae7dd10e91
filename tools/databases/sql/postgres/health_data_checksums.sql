-- Whether pages carry checksums, and how many failed since the counters began (NULL where there are none).
SELECT coalesce(datname::text, '(shared objects)') AS database, checksum_failures AS failures,
       to_char(checksum_last_failure AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS last_failure,
       current_setting('data_checksums') = 'on' AS enabled
  FROM pg_stat_database
 ORDER BY checksum_failures DESC NULLS LAST, 1
