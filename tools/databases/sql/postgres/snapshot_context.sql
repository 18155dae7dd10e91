-- What the other snapshot queries need to know first, in one row: the schemas to read; functions that are not listed
-- (those of extensions, constructors of range types); words that quote_ident quotes; default rights by kind of object;
-- and whether there is anything in three groups of seldom-used catalogs (snapshot_operators, snapshot_rare,
-- snapshot_types_defined). Oids from 16384 on are made by people (FirstNormalObjectId, access/transam.h).
SELECT
    current_setting('server_version_num')::int,
    ARRAY(SELECT n.oid FROM pg_namespace n
          WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL (%(ignored)s::text[])),
    ARRAY(SELECT d.objid FROM pg_depend d
          WHERE d.classid = 'pg_proc'::regclass
            AND (d.deptype = 'e' OR d.deptype = 'i' AND d.refclassid = 'pg_type'::regclass)),
    ARRAY(SELECT word FROM pg_get_keywords() WHERE catcode <> 'U'),
    -- acls of an object whose acl is NULL, by kind, as the role 10 (who made the cluster) owned it; then that role
    (SELECT json_object_agg(kind, acldefault(kind::"char", 10)::text)
     FROM unnest(ARRAY['r', 's', 'f', 'n', 'T', 'l', 'F', 'S']) kind),
    pg_get_userbyid(10),
    EXISTS (SELECT FROM pg_operator WHERE oid >= 16384)
        OR EXISTS (SELECT FROM pg_opclass WHERE oid >= 16384)
        OR EXISTS (SELECT FROM pg_opfamily WHERE oid >= 16384)
        OR EXISTS (SELECT FROM pg_cast WHERE oid >= 16384)
        OR EXISTS (SELECT FROM pg_conversion WHERE oid >= 16384)
        OR EXISTS (SELECT FROM pg_transform),
    EXISTS (SELECT FROM pg_collation WHERE oid >= 16384)
        OR EXISTS (SELECT FROM pg_am WHERE oid >= 16384)
        OR EXISTS (SELECT FROM pg_language WHERE oid >= 16384)
        OR EXISTS (SELECT FROM pg_foreign_data_wrapper)
        OR EXISTS (SELECT FROM pg_ts_config WHERE oid >= 16384)
        OR EXISTS (SELECT FROM pg_ts_dict WHERE oid >= 16384)
        OR EXISTS (SELECT FROM pg_ts_parser WHERE oid >= 16384)
        OR EXISTS (SELECT FROM pg_ts_template WHERE oid >= 16384),
    EXISTS (SELECT FROM pg_range WHERE rngtypid >= 16384)
        OR EXISTS (SELECT FROM pg_type WHERE oid >= 16384 AND typtype IN ('b', 'p') AND typinput <> 'array_in'::regproc)
