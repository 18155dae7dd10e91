-- Schemas' relations: tables, foreign tables, views, materialized views, sequences, composite types. What few
-- have comes in the last column, NULL for most. A NULL acl stays NULL: the default for the kind.
SELECT
    c.oid, c.relkind::text, n.nspname, c.relname, c.reltype, pg_get_userbyid(c.relowner), c.relacl::text,
    c.relpersistence::text, c.relreplident::text, am.amname,
    CASE WHEN c.reloptions IS NOT NULL OR toast.oid IS NOT NULL OR c.reltablespace <> 0 OR c.relrowsecurity
              OR c.relforcerowsecurity OR c.reloftype <> 0 OR c.relkind IN ('p', 'm', 'f') OR parent.names IS NOT NULL
         THEN json_build_object(
            'partition_key', CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END,
            'partition_of', CASE WHEN c.relispartition THEN parent.names[1] END,
            'partition_bound', CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, c.oid) END,
            'inherits', CASE WHEN NOT c.relispartition THEN parent.names END,
            'of_type', CASE WHEN c.reloftype <> 0 THEN format_type(c.reloftype, NULL) END,
            'tablespace', (SELECT ts.spcname FROM pg_tablespace ts WHERE ts.oid = c.reltablespace),
            'options', c.reloptions || ARRAY(SELECT 'toast.' || o FROM unnest(toast.reloptions) o),
            'row_security', c.relrowsecurity,
            'force_row_security', c.relforcerowsecurity,
            'populated', c.relkind = 'm' AND c.relispopulated,
            'server', server.srvname,
            'fdw_options', foreign_table.ftoptions
        )
    END
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_class toast ON toast.oid = c.reltoastrelid AND toast.reloptions IS NOT NULL
LEFT JOIN pg_am am ON am.oid = c.relam
LEFT JOIN pg_foreign_table foreign_table ON foreign_table.ftrelid = c.oid
LEFT JOIN pg_foreign_server server ON server.oid = foreign_table.ftserver
LEFT JOIN (
    SELECT i.inhrelid, array_agg(i.inhparent::regclass::text ORDER BY i.inhseqno) AS names
    FROM pg_inherits i
    GROUP BY i.inhrelid
) parent ON parent.inhrelid = c.oid
WHERE c.relnamespace = ANY (%(schemas)s::oid[]) AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S', 'c')
