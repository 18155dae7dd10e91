-- What the stand-in of a target has to know of it besides its objects.
-- pg_shdepend: the roles that own something here, or are granted something (bootstrap superuser: only in datdba/10).
SELECT pg_catalog.current_setting('server_version_num')::int,
       pg_catalog.current_setting('server_version'),
       pg_catalog.pg_encoding_to_char(d.encoding),
       (SELECT pg_catalog.array_agg(rolname::text ORDER BY rolname) FROM pg_catalog.pg_roles WHERE rolname !~ '^pg_'),
       (SELECT pg_catalog.array_agg(DISTINCT r.rolname::text)
        FROM pg_catalog.pg_roles r
        LEFT JOIN pg_catalog.pg_shdepend s
            ON s.refobjid = r.oid AND s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND s.dbid = d.oid
        WHERE rolname !~ '^pg_' AND (s.refobjid IS NOT NULL OR r.oid IN (10, d.datdba))),
       (SELECT pg_catalog.array_agg(extname::text ORDER BY extname) FROM pg_catalog.pg_extension),
       EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'public'),
       (SELECT pg_catalog.jsonb_object_agg(name, setting) FROM pg_catalog.pg_settings
        WHERE name IN ('TimeZone', 'DateStyle', 'IntervalStyle', 'search_path', 'default_text_search_config',
                       'standard_conforming_strings', 'transform_null_equals', 'array_nulls', 'bytea_output', 'xmloption',
                       'lc_monetary', 'lc_numeric', 'check_function_bodies', 'default_toast_compression',
                       'default_table_access_method', 'default_transaction_isolation'))
FROM pg_catalog.pg_database d
WHERE d.datname = pg_catalog.current_database()
