-- The roles that the open transaction has made (needs a superuser, as the sandbox's own server gives one).
SELECT rolname
FROM pg_catalog.pg_authid
WHERE xmin::text::bigint = pg_catalog.pg_current_xact_id_if_assigned()::text::bigint % 4294967296
