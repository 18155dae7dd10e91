-- Ranges, base types and shell types as CREATE TYPE statements.
SELECT
    'pg_type'::regclass::oid, t.oid, 'range', n.nspname, '', t.typname, pg_get_userbyid(t.typowner),
    coalesce(t.typacl::text, 'T'),
    json_build_object(
        'definition', format('CREATE TYPE %%I.%%I AS RANGE (%%s)', n.nspname, t.typname, concat_ws(', ',
            'SUBTYPE = ' || format_type(r.rngsubtype, NULL),
            CASE WHEN NOT c.opcdefault THEN format('SUBTYPE_OPCLASS = %%I.%%I', cn.nspname, c.opcname) END,
            CASE WHEN r.rngcollation <> sub.typcollation THEN 'COLLATION = ' || r.rngcollation::regcollation END,
            'CANONICAL = ' || nullif(r.rngcanonical::text, '-'),
            'SUBTYPE_DIFF = ' || nullif(r.rngsubdiff::text, '-'),
            'MULTIRANGE_TYPE_NAME = ' || format_type(r.rngmultitypid, NULL),  -- since 14
            NULL)),
        'multirange', format_type(r.rngmultitypid, NULL),  -- since 14
        'subtype', format_type(r.rngsubtype, NULL)
    )
FROM pg_range r
JOIN pg_type t ON t.oid = r.rngtypid
JOIN pg_type sub ON sub.oid = r.rngsubtype
JOIN pg_opclass c ON c.oid = r.rngsubopc
JOIN pg_namespace cn ON cn.oid = c.opcnamespace
JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE n.oid = ANY (%(schemas)s::oid[])
UNION ALL
SELECT
    'pg_type'::regclass, t.oid, 'base_type', n.nspname, '', t.typname, pg_get_userbyid(t.typowner),
    coalesce(t.typacl::text, 'T'),
    json_build_object('definition', CASE WHEN NOT t.typisdefined
        THEN format('CREATE TYPE %%I.%%I', n.nspname, t.typname)
        ELSE format('CREATE TYPE %%I.%%I (%%s)', n.nspname, t.typname, concat_ws(', ',
            'INPUT = ' || t.typinput,
            'OUTPUT = ' || t.typoutput,
            'RECEIVE = ' || nullif(t.typreceive::text, '-'),
            'SEND = ' || nullif(t.typsend::text, '-'),
            'TYPMOD_IN = ' || nullif(t.typmodin::text, '-'),
            'TYPMOD_OUT = ' || nullif(t.typmodout::text, '-'),
            'ANALYZE = ' || nullif(t.typanalyze::text, '-'),
            'SUBSCRIPT = ' || nullif(t.typsubscript::text, '-'),  -- since 14
            'INTERNALLENGTH = ' || CASE t.typlen WHEN -1 THEN 'VARIABLE' ELSE t.typlen::text END,
            CASE WHEN t.typbyval THEN 'PASSEDBYVALUE' END,
            'ALIGNMENT = ' || CASE t.typalign WHEN 'c' THEN 'char' WHEN 's' THEN 'int2' WHEN 'i' THEN 'int4'
                ELSE 'double' END,
            'STORAGE = ' || CASE t.typstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external' WHEN 'x' THEN 'extended'
                ELSE 'main' END,
            'CATEGORY = ' || quote_literal(t.typcategory::text),
            CASE WHEN t.typispreferred THEN 'PREFERRED = true' END,
            'DEFAULT = ' || quote_literal(t.typdefault),
            CASE WHEN t.typelem <> 0 THEN 'ELEMENT = ' || format_type(t.typelem, NULL) END,
            'DELIMITER = ' || quote_literal(nullif(t.typdelim::text, ',')),
            CASE WHEN t.typcollation <> 0 THEN 'COLLATABLE = true' END)) END)
FROM pg_type t
JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE n.oid = ANY (%(schemas)s::oid[]) AND t.typtype IN ('b', 'p') AND t.typinput <> 'array_in'::regproc
