-- Seldom-used kinds, each as the statements that make it: collations, text search, languages, access methods,
-- foreign data. The values of options that look secret (password, secret, token ...) are left out.
WITH options (classid, oid, line) AS (
    SELECT o.classid, o.oid,
        string_agg(format('%%I %%L', pair.option_name, pair.option_value), ', ' ORDER BY pair.option_name)
    FROM (
        SELECT 'pg_foreign_data_wrapper'::regclass AS classid, oid, fdwoptions FROM pg_foreign_data_wrapper
        UNION ALL SELECT 'pg_foreign_server'::regclass, oid, srvoptions FROM pg_foreign_server
        UNION ALL SELECT 'pg_user_mapping'::regclass, umid, umoptions FROM pg_user_mappings
    ) o (classid, oid, list)
    CROSS JOIN LATERAL pg_options_to_table(o.list) pair
    WHERE pair.option_name !~* 'pass|secret|token|credential|private|access_?key'
    GROUP BY o.classid, o.oid
)
SELECT
    'pg_collation'::regclass::oid, c.oid, 'collation', n.nspname, '', c.collname, pg_get_userbyid(c.collowner),
    NULL::text,
    json_build_object('definition', format('CREATE COLLATION %%I.%%I (%%s)', n.nspname, c.collname, concat_ws(', ',
        'PROVIDER = ' || CASE c.collprovider WHEN 'c' THEN 'libc' WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' END,
        CASE WHEN NOT c.collisdeterministic THEN 'DETERMINISTIC = false' END,
        'LOCALE = ' || quote_literal(c.colllocale),  -- since 17
        'LOCALE = ' || quote_literal(to_json(c)->>'colliculocale'),  -- before 17
        'RULES = ' || quote_literal(c.collicurules),  -- since 16
        'LC_COLLATE = ' || quote_literal(c.collcollate),
        'LC_CTYPE = ' || quote_literal(c.collctype))))
FROM pg_collation c
JOIN pg_namespace n ON n.oid = c.collnamespace
WHERE n.oid = ANY (%(schemas)s::oid[])
UNION ALL
SELECT
    'pg_ts_parser'::regclass, p.oid, 'text_search_parser', n.nspname, '', p.prsname, NULL, NULL,
    json_build_object('definition', format('CREATE TEXT SEARCH PARSER %%I.%%I (%%s)', n.nspname, p.prsname,
        concat_ws(', ', 'START = ' || p.prsstart, 'GETTOKEN = ' || p.prstoken, 'END = ' || p.prsend,
            'LEXTYPES = ' || p.prslextype, 'HEADLINE = ' || nullif(p.prsheadline::text, '-'))))
FROM pg_ts_parser p
JOIN pg_namespace n ON n.oid = p.prsnamespace
WHERE n.oid = ANY (%(schemas)s::oid[])
UNION ALL
SELECT
    'pg_ts_template'::regclass, t.oid, 'text_search_template', n.nspname, '', t.tmplname, NULL, NULL,
    json_build_object('definition', format('CREATE TEXT SEARCH TEMPLATE %%I.%%I (%%s)', n.nspname, t.tmplname,
        concat_ws(', ', 'INIT = ' || nullif(t.tmplinit::text, '-'), 'LEXIZE = ' || t.tmpllexize)))
FROM pg_ts_template t
JOIN pg_namespace n ON n.oid = t.tmplnamespace
WHERE n.oid = ANY (%(schemas)s::oid[])
UNION ALL
SELECT
    'pg_ts_dict'::regclass, d.oid, 'text_search_dictionary', n.nspname, '', d.dictname, pg_get_userbyid(d.dictowner),
    NULL,
    json_build_object('definition', format('CREATE TEXT SEARCH DICTIONARY %%I.%%I (%%s)', n.nspname, d.dictname,
        concat_ws(', ', format('TEMPLATE = %%I.%%I', tn.nspname, t.tmplname), d.dictinitoption)))
FROM pg_ts_dict d
JOIN pg_namespace n ON n.oid = d.dictnamespace
JOIN pg_ts_template t ON t.oid = d.dicttemplate
JOIN pg_namespace tn ON tn.oid = t.tmplnamespace
WHERE n.oid = ANY (%(schemas)s::oid[])
UNION ALL
SELECT
    'pg_ts_config'::regclass, c.oid, 'text_search_configuration', n.nspname, '', c.cfgname,
    pg_get_userbyid(c.cfgowner), NULL,
    json_build_object('definition',
        format('CREATE TEXT SEARCH CONFIGURATION %%I.%%I (PARSER = %%I.%%I)', n.nspname, c.cfgname, pn.nspname, p.prsname)
        || coalesce((
            SELECT string_agg(format(E';\nALTER TEXT SEARCH CONFIGURATION %%I.%%I ADD MAPPING FOR %%I WITH %%s',
                n.nspname, c.cfgname, token.alias, map.dictionaries), '' ORDER BY token.alias)
            FROM (SELECT m.maptokentype,
                         string_agg(m.mapdict::regdictionary::text, ', ' ORDER BY m.mapseqno) AS dictionaries
                  FROM pg_ts_config_map m WHERE m.mapcfg = c.oid GROUP BY m.maptokentype) map
            JOIN ts_token_type(p.oid) token ON token.tokid = map.maptokentype), ''))
FROM pg_ts_config c
JOIN pg_namespace n ON n.oid = c.cfgnamespace
JOIN pg_ts_parser p ON p.oid = c.cfgparser
JOIN pg_namespace pn ON pn.oid = p.prsnamespace
WHERE n.oid = ANY (%(schemas)s::oid[])
UNION ALL
SELECT
    'pg_language'::regclass, l.oid, 'language', '', '', l.lanname, pg_get_userbyid(l.lanowner),
    coalesce(l.lanacl::text, 'l'),
    json_build_object('definition', format('CREATE %%sLANGUAGE %%I HANDLER %%s%%s%%s',
        CASE WHEN l.lanpltrusted THEN 'TRUSTED ' ELSE '' END, l.lanname, l.lanplcallfoid::regproc,
        ' INLINE ' || nullif(l.laninline::regproc::text, '-'),
        ' VALIDATOR ' || nullif(l.lanvalidator::regproc::text, '-')))
FROM pg_language l
WHERE l.oid >= 16384
UNION ALL
SELECT
    'pg_am'::regclass, a.oid, 'access_method', '', '', a.amname, NULL, NULL,
    json_build_object('definition', format('CREATE ACCESS METHOD %%I TYPE %%s HANDLER %%s', a.amname,
        CASE a.amtype WHEN 't' THEN 'TABLE' ELSE 'INDEX' END, a.amhandler))
FROM pg_am a
WHERE a.oid >= 16384
UNION ALL
SELECT
    'pg_foreign_data_wrapper'::regclass, w.oid, 'foreign_data_wrapper', '', '', w.fdwname,
    pg_get_userbyid(w.fdwowner), coalesce(w.fdwacl::text, 'F'),
    json_build_object('definition', format('CREATE FOREIGN DATA WRAPPER %%I%%s%%s%%s', w.fdwname,
        ' HANDLER ' || nullif(w.fdwhandler::regproc::text, '-'),
        ' VALIDATOR ' || nullif(w.fdwvalidator::regproc::text, '-'), ' OPTIONS (' || o.line || ')'))
FROM pg_foreign_data_wrapper w
LEFT JOIN options o ON o.classid = 'pg_foreign_data_wrapper'::regclass AND o.oid = w.oid
UNION ALL
SELECT
    'pg_foreign_server'::regclass, s.oid, 'server', '', '', s.srvname, pg_get_userbyid(s.srvowner),
    coalesce(s.srvacl::text, 'S'),
    json_build_object('definition', format('CREATE SERVER %%I%%s%%s FOREIGN DATA WRAPPER %%I%%s', s.srvname,
        ' TYPE ' || quote_literal(s.srvtype), ' VERSION ' || quote_literal(s.srvversion), w.fdwname,
        ' OPTIONS (' || o.line || ')'))
FROM pg_foreign_server s
JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
LEFT JOIN options o ON o.classid = 'pg_foreign_server'::regclass AND o.oid = s.oid
UNION ALL
SELECT
    'pg_user_mapping'::regclass, u.umid, 'user_mapping', '', u.srvname,
    CASE u.umuser WHEN 0 THEN 'PUBLIC' ELSE u.usename END, NULL, NULL,
    json_build_object('definition', format('CREATE USER MAPPING FOR %%s SERVER %%I%%s',
        CASE u.umuser WHEN 0 THEN 'PUBLIC' ELSE quote_ident(u.usename) END, u.srvname, ' OPTIONS (' || o.line || ')'))
FROM pg_user_mappings u
LEFT JOIN options o ON o.classid = 'pg_user_mapping'::regclass AND o.oid = u.umid
