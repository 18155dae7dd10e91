-- Which server answers, and what the role that asks may see.
SELECT current_setting('server_version_num')::int AS version,
       current_setting('server_version') AS version_text,
       current_database()::text AS database,
       current_user::text AS role,
       (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser,
       pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS sees_sessions,
       pg_is_in_recovery() AS standby
