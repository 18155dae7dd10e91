-- Functions, procedures and window functions, without those of extensions and of range types.
SELECT
    'pg_proc'::regclass::oid, p.oid, CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END,
    n.nspname, '', format('%%s(%%s)', p.proname, oidvectortypes(p.proargtypes)),
    pg_get_userbyid(p.proowner), coalesce(p.proacl::text, 'f'),
    json_build_object(
        'definition', pg_get_functiondef(p.oid),
        'arguments', pg_get_function_arguments(p.oid),
        'result', pg_get_function_result(p.oid),
        'language', l.lanname,
        'volatility', CASE WHEN p.prokind <> 'p' THEN
            CASE p.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' ELSE 'volatile' END END,
        'parallel', CASE WHEN p.prokind <> 'p' THEN
            CASE p.proparallel WHEN 's' THEN 'safe' WHEN 'r' THEN 'restricted' ELSE 'unsafe' END END,
        'strict', p.proisstrict,
        'security_definer', p.prosecdef,
        'leakproof', p.proleakproof,
        'window', p.prokind = 'w',
        'cost', CASE WHEN p.prokind <> 'p' THEN p.procost END,
        'rows', CASE WHEN p.proretset THEN p.prorows END,
        'support', CASE WHEN p.prosupport <> 0 THEN p.prosupport::text END,
        'config', (SELECT json_object_agg(split_part(c, '=', 1), substr(c, strpos(c, '=') + 1) ORDER BY c)
                   FROM unnest(p.proconfig) c),
        'trigger', p.prorettype IN ('trigger'::regtype, 'event_trigger'::regtype)
    )
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
JOIN pg_language l ON l.oid = p.prolang
WHERE p.pronamespace = ANY (%(schemas)s::oid[]) AND p.prokind <> 'a'
  AND NOT EXISTS (SELECT FROM unnest(%(functions)s::oid[]) member WHERE member = p.oid)
