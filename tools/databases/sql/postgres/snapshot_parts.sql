-- What hangs on a table or view: triggers, policies, rules; and extended statistics.
SELECT
    'pg_trigger'::regclass::oid, t.oid, 'trigger', n.nspname, c.relname, t.tgname, NULL::name, NULL::text,
    json_build_object(
        'definition', pg_get_triggerdef(t.oid),
        'enabled', CASE t.tgenabled WHEN 'O' THEN 'origin' WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica'
                   ELSE 'always' END,
        'function', t.tgfoid::regprocedure::text,
        'inherited', t.tgparentid <> 0
    )
FROM pg_trigger t
JOIN pg_class c ON c.oid = t.tgrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.oid = ANY (%(schemas)s::oid[]) AND NOT t.tgisinternal
UNION ALL
SELECT
    'pg_policy'::regclass, p.oid, 'policy', n.nspname, c.relname, p.polname, NULL, NULL,
    json_build_object(
        'command', CASE p.polcmd WHEN '*' THEN 'all' WHEN 'r' THEN 'select' WHEN 'a' THEN 'insert'
                   WHEN 'w' THEN 'update' ELSE 'delete' END,
        'restrictive', NOT p.polpermissive,
        'roles', ARRAY(SELECT CASE r WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(r)) END
                       FROM unnest(p.polroles) r ORDER BY 1),
        'using', pg_get_expr(p.polqual, p.polrelid),
        'check', pg_get_expr(p.polwithcheck, p.polrelid)
    )
FROM pg_policy p
JOIN pg_class c ON c.oid = p.polrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.oid = ANY (%(schemas)s::oid[])
UNION ALL
SELECT
    'pg_rewrite'::regclass, r.oid, 'rule', n.nspname, c.relname, r.rulename, NULL, NULL,
    json_build_object(
        'definition', CASE WHEN r.rulename <> '_RETURN' THEN pg_get_ruledef(r.oid) END,
        'enabled', CASE r.ev_enabled WHEN 'O' THEN 'origin' WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica'
                   ELSE 'always' END
    )
FROM pg_rewrite r
JOIN pg_class c ON c.oid = r.ev_class
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.oid = ANY (%(schemas)s::oid[])
UNION ALL
SELECT
    'pg_statistic_ext'::regclass, s.oid, 'statistics', n.nspname, '', s.stxname, pg_get_userbyid(s.stxowner), NULL,
    json_build_object(
        'definition', pg_get_statisticsobjdef(s.oid),
        'table', s.stxrelid::regclass::text,
        'statistics_target', nullif(s.stxstattarget, -1)
    )
FROM pg_statistic_ext s
JOIN pg_namespace n ON n.oid = s.stxnamespace
WHERE n.oid = ANY (%(schemas)s::oid[])
