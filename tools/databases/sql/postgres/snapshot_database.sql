-- What belongs to the database as a whole: schemas, extensions, event triggers, publications, subscriptions,
-- default privileges. A subscription's connection string is not read (it may hold a password), nor, before 14, its oid
-- (not everybody may).
SELECT
    'pg_namespace'::regclass::oid, n.oid, 'schema', '', '', n.nspname, pg_get_userbyid(n.nspowner),
    coalesce(n.nspacl::text, 'n'), NULL::json
FROM pg_namespace n
WHERE n.oid = ANY (%(schemas)s::oid[])
UNION ALL
SELECT
    'pg_extension'::regclass, e.oid, 'extension', '', '', e.extname, NULL, NULL,
    json_build_object('version', e.extversion, 'schema', e.extnamespace::regnamespace::text)
FROM pg_extension e
UNION ALL
SELECT
    'pg_event_trigger'::regclass, t.oid, 'event_trigger', '', '', t.evtname, pg_get_userbyid(t.evtowner), NULL,
    json_build_object(
        'definition', format('CREATE EVENT TRIGGER %%I ON %%s%%s EXECUTE FUNCTION %%s', t.evtname, t.evtevent,
            (SELECT format(E'\n  WHEN TAG IN (%%s)', string_agg(quote_literal(tag), ', ' ORDER BY tag))
             FROM unnest(t.evttags) tag HAVING count(*) > 0),
            t.evtfoid::regprocedure),
        'event', t.evtevent,
        'tags', ARRAY(SELECT tag FROM unnest(t.evttags) tag ORDER BY 1),
        'function', t.evtfoid::regprocedure::text,
        'enabled', CASE t.evtenabled WHEN 'O' THEN 'origin' WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica'
                   ELSE 'always' END
    )
FROM pg_event_trigger t
UNION ALL
SELECT
    'pg_publication'::regclass, p.oid, 'publication', '', '', p.pubname, pg_get_userbyid(p.pubowner), NULL,
    json_build_object(
        'all_tables', p.puballtables,
        'operations', array_remove(ARRAY[
            CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END,
            CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END], NULL),
        'via_root', p.pubviaroot,
        'generated_columns', CASE WHEN p.pubgencols = 's' THEN 'stored' END,  -- since 18
        'schemas', ARRAY(SELECT s.pnnspid::regnamespace::text  -- since 15
                         FROM pg_publication_namespace s WHERE s.pnpubid = p.oid ORDER BY 1),  -- since 15
        'tables', (SELECT json_agg(json_strip_nulls(json_build_object(
                              'columns', (SELECT json_agg(a.attname ORDER BY a.attnum)  -- since 15
                                          FROM pg_attribute a  -- since 15
                                          WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs)),  -- since 15
                              'where', pg_get_expr(r.prqual, r.prrelid),  -- since 15
                              'table', r.prrelid::regclass::text
                          )) ORDER BY r.prrelid::regclass::text)
                   FROM pg_publication_rel r WHERE r.prpubid = p.oid)
    )
FROM pg_publication p
UNION ALL
SELECT
    'pg_subscription'::regclass,
    s.oid,  -- since 14
    0::oid,  -- before 14
    'subscription', '', '', s.subname, pg_get_userbyid(s.subowner), NULL,
    json_build_object('publications', s.subpublications)
FROM pg_subscription s
WHERE s.subdbid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
UNION ALL
SELECT
    'pg_default_acl'::regclass, a.oid, 'default_privileges', coalesce(n.nspname, ''), pg_get_userbyid(a.defaclrole),
    CASE a.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions'
        WHEN 'T' THEN 'types' WHEN 'n' THEN 'schemas' ELSE 'large objects' END,
    pg_get_userbyid(a.defaclrole), a.defaclacl::text, NULL
FROM pg_default_acl a
LEFT JOIN pg_namespace n ON n.oid = a.defaclnamespace
WHERE a.defaclnamespace = 0 OR n.oid = ANY (%(schemas)s::oid[])
