-- Operators, their classes and families, casts, conversions, transforms: each as the statements that make it.
WITH members AS (
    -- What an operator class or (loose) a family holds, with the class or family that it goes with.
    SELECT d.refclassid, d.refobjid, 1 AS part, a.amopstrategy AS number,
        format('OPERATOR %%s %%I.%%s(%%s, %%s)%%s', a.amopstrategy, n.nspname, o.oprname,
            format_type(a.amoplefttype, NULL), format_type(a.amoprighttype, NULL),
            CASE WHEN a.amoppurpose = 'o' THEN
                (SELECT format(' FOR ORDER BY %%I.%%I', fn.nspname, f.opfname)
                 FROM pg_opfamily f JOIN pg_namespace fn ON fn.oid = f.opfnamespace WHERE f.oid = a.amopsortfamily)
            END) AS line
    FROM pg_amop a
    JOIN pg_depend d ON d.classid = 'pg_amop'::regclass AND d.objid = a.oid
        AND d.refclassid IN ('pg_opclass'::regclass, 'pg_opfamily'::regclass)
    JOIN pg_operator o ON o.oid = a.amopopr
    JOIN pg_namespace n ON n.oid = o.oprnamespace
    UNION ALL
    SELECT d.refclassid, d.refobjid, 2, p.amprocnum,
        format('FUNCTION %%s (%%s, %%s) %%s', p.amprocnum, format_type(p.amproclefttype, NULL),
            format_type(p.amprocrighttype, NULL), p.amproc::oid::regprocedure)
    FROM pg_amproc p
    JOIN pg_depend d ON d.classid = 'pg_amproc'::regclass AND d.objid = p.oid
        AND d.refclassid IN ('pg_opclass'::regclass, 'pg_opfamily'::regclass)
), held AS (
    SELECT refclassid, refobjid, string_agg(line, ', ' ORDER BY part, number, line) AS lines
    FROM members
    GROUP BY refclassid, refobjid
)
SELECT
    'pg_operator'::regclass::oid, o.oid, 'operator', n.nspname, '',
    format('%%s(%%s, %%s)', o.oprname,
        CASE WHEN o.oprleft = 0 THEN 'NONE' ELSE format_type(o.oprleft, NULL) END,
        CASE WHEN o.oprright = 0 THEN 'NONE' ELSE format_type(o.oprright, NULL) END),
    pg_get_userbyid(o.oprowner), NULL::text,
    json_build_object('definition', format('CREATE OPERATOR %%I.%%s (%%s)', n.nspname, o.oprname, concat_ws(', ',
        'FUNCTION = ' || o.oprcode,
        'LEFTARG = ' || CASE WHEN o.oprleft <> 0 THEN format_type(o.oprleft, NULL) END,
        'RIGHTARG = ' || CASE WHEN o.oprright <> 0 THEN format_type(o.oprright, NULL) END,
        'COMMUTATOR = OPERATOR('
            || (SELECT format('%%I.%%s', x.nspname, c.oprname)
                FROM pg_operator c JOIN pg_namespace x ON x.oid = c.oprnamespace WHERE c.oid = o.oprcom) || ')',
        'NEGATOR = OPERATOR('
            || (SELECT format('%%I.%%s', x.nspname, c.oprname)
                FROM pg_operator c JOIN pg_namespace x ON x.oid = c.oprnamespace WHERE c.oid = o.oprnegate) || ')',
        'RESTRICT = ' || nullif(o.oprrest::text, '-'),
        'JOIN = ' || nullif(o.oprjoin::text, '-'),
        CASE WHEN o.oprcanhash THEN 'HASHES' END,
        CASE WHEN o.oprcanmerge THEN 'MERGES' END)))
FROM pg_operator o
JOIN pg_namespace n ON n.oid = o.oprnamespace
WHERE n.oid = ANY (%(schemas)s::oid[]) AND o.oprcode <> 0
UNION ALL
SELECT
    'pg_opclass'::regclass, c.oid, 'operator_class', n.nspname, '', format('%%s USING %%s', c.opcname, am.amname),
    pg_get_userbyid(c.opcowner), NULL,
    json_build_object('definition', format('CREATE OPERATOR CLASS %%I.%%I %%sFOR TYPE %%s USING %%I FAMILY %%I.%%I AS %%s',
        n.nspname, c.opcname, CASE WHEN c.opcdefault THEN 'DEFAULT ' ELSE '' END, format_type(c.opcintype, NULL),
        am.amname, fn.nspname, f.opfname,
        coalesce(concat_ws(', ', CASE WHEN c.opckeytype <> 0 THEN 'STORAGE ' || format_type(c.opckeytype, NULL) END,
            nullif(h.lines, '')), '')))
FROM pg_opclass c
JOIN pg_namespace n ON n.oid = c.opcnamespace
JOIN pg_am am ON am.oid = c.opcmethod
JOIN pg_opfamily f ON f.oid = c.opcfamily
JOIN pg_namespace fn ON fn.oid = f.opfnamespace
LEFT JOIN held h ON h.refclassid = 'pg_opclass'::regclass AND h.refobjid = c.oid
WHERE n.oid = ANY (%(schemas)s::oid[])
UNION ALL
SELECT
    'pg_opfamily'::regclass, f.oid, 'operator_family', n.nspname, '', format('%%s USING %%s', f.opfname, am.amname),
    pg_get_userbyid(f.opfowner), NULL,
    json_build_object('definition', format('CREATE OPERATOR FAMILY %%I.%%I USING %%I', n.nspname, f.opfname, am.amname)
        || CASE WHEN h.lines IS NULL THEN ''
           ELSE format(E';\nALTER OPERATOR FAMILY %%I.%%I USING %%I ADD %%s',
               n.nspname, f.opfname, am.amname, h.lines) END)
FROM pg_opfamily f
JOIN pg_namespace n ON n.oid = f.opfnamespace
JOIN pg_am am ON am.oid = f.opfmethod
LEFT JOIN held h ON h.refclassid = 'pg_opfamily'::regclass AND h.refobjid = f.oid
WHERE n.oid = ANY (%(schemas)s::oid[])
UNION ALL
SELECT
    'pg_cast'::regclass, c.oid, 'cast', '', '',
    format('%%s AS %%s', format_type(c.castsource, NULL), format_type(c.casttarget, NULL)), NULL, NULL,
    json_build_object('definition', format('CREATE CAST (%%s AS %%s) %%s%%s',
        format_type(c.castsource, NULL), format_type(c.casttarget, NULL),
        CASE c.castmethod WHEN 'i' THEN 'WITH INOUT' WHEN 'b' THEN 'WITHOUT FUNCTION'
            ELSE 'WITH FUNCTION ' || c.castfunc::regprocedure END,
        CASE c.castcontext WHEN 'a' THEN ' AS ASSIGNMENT' WHEN 'i' THEN ' AS IMPLICIT' END))
FROM pg_cast c
WHERE c.oid >= 16384  -- and not made with a range type
  AND NOT EXISTS (SELECT FROM pg_depend d
                  WHERE d.classid = 'pg_cast'::regclass AND d.objid = c.oid AND d.deptype = 'i')
UNION ALL
SELECT
    'pg_conversion'::regclass, c.oid, 'conversion', n.nspname, '', c.conname, pg_get_userbyid(c.conowner), NULL,
    json_build_object('definition', format('CREATE %%sCONVERSION %%I.%%I FOR %%L TO %%L FROM %%s',
        CASE WHEN c.condefault THEN 'DEFAULT ' ELSE '' END, n.nspname, c.conname,
        pg_encoding_to_char(c.conforencoding), pg_encoding_to_char(c.contoencoding), c.conproc))
FROM pg_conversion c
JOIN pg_namespace n ON n.oid = c.connamespace
WHERE n.oid = ANY (%(schemas)s::oid[])
UNION ALL
SELECT
    'pg_transform'::regclass, t.oid, 'transform', '', '',
    format('%%s FOR %%s', format_type(t.trftype, NULL), l.lanname), NULL, NULL,
    json_build_object('definition', format('CREATE TRANSFORM FOR %%s LANGUAGE %%I (%%s)',
        format_type(t.trftype, NULL), l.lanname, concat_ws(', ',
            'FROM SQL WITH FUNCTION ' || nullif(t.trffromsql::oid::regprocedure::text, '-'),
            'TO SQL WITH FUNCTION ' || nullif(t.trftosql::oid::regprocedure::text, '-'))))
FROM pg_transform t
JOIN pg_language l ON l.oid = t.trflang
