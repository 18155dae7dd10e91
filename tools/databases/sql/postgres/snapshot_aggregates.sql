-- Aggregates as CREATE AGGREGATE statements; the parameters in the order of the manual page.
SELECT
    'pg_proc'::regclass::oid, p.oid, 'aggregate',
    n.nspname, '', format('%%s(%%s)', p.proname, coalesce(nullif(oidvectortypes(p.proargtypes), ''), '*')),
    pg_get_userbyid(p.proowner), coalesce(p.proacl::text, 'f'),
    json_build_object(
        'definition', format('CREATE AGGREGATE %%I.%%I(%%s) (%%s)', n.nspname, p.proname,
            coalesce(nullif(pg_get_function_arguments(p.oid), ''), '*'),
            concat_ws(', ',
                'SFUNC = ' || a.aggtransfn,
                'STYPE = ' || format_type(a.aggtranstype, NULL),
                'SSPACE = ' || nullif(a.aggtransspace, 0),
                'FINALFUNC = ' || nullif(a.aggfinalfn::text, '-'),
                CASE WHEN a.aggfinalextra THEN 'FINALFUNC_EXTRA' END,
                CASE WHEN a.aggfinalfn <> 0
                      AND a.aggfinalmodify <> CASE a.aggkind WHEN 'n' THEN 'r' ELSE 'w' END THEN
                    'FINALFUNC_MODIFY = '
                    || CASE a.aggfinalmodify WHEN 'r' THEN 'READ_ONLY' WHEN 's' THEN 'SHAREABLE' ELSE 'READ_WRITE' END
                END,
                'COMBINEFUNC = ' || nullif(a.aggcombinefn::text, '-'),
                'SERIALFUNC = ' || nullif(a.aggserialfn::text, '-'),
                'DESERIALFUNC = ' || nullif(a.aggdeserialfn::text, '-'),
                'INITCOND = ' || quote_literal(a.agginitval),
                'MSFUNC = ' || nullif(a.aggmtransfn::text, '-'),
                'MINVFUNC = ' || nullif(a.aggminvtransfn::text, '-'),
                'MSTYPE = ' || CASE WHEN a.aggmtranstype <> 0 THEN format_type(a.aggmtranstype, NULL) END,
                'MSSPACE = ' || nullif(a.aggmtransspace, 0),
                'MFINALFUNC = ' || nullif(a.aggmfinalfn::text, '-'),
                CASE WHEN a.aggmfinalextra THEN 'MFINALFUNC_EXTRA' END,
                CASE WHEN a.aggmfinalfn <> 0
                      AND a.aggmfinalmodify <> CASE a.aggkind WHEN 'n' THEN 'r' ELSE 'w' END THEN
                    'MFINALFUNC_MODIFY = '
                    || CASE a.aggmfinalmodify WHEN 'r' THEN 'READ_ONLY' WHEN 's' THEN 'SHAREABLE' ELSE 'READ_WRITE' END
                END,
                'MINITCOND = ' || quote_literal(a.aggminitval),
                'SORTOP = OPERATOR(' || CASE WHEN a.aggsortop <> 0 THEN
                    (SELECT format('%%I.%%s', on_.nspname, o.oprname)
                     FROM pg_operator o JOIN pg_namespace on_ ON on_.oid = o.oprnamespace WHERE o.oid = a.aggsortop)
                END || ')',
                CASE p.proparallel WHEN 's' THEN 'PARALLEL = SAFE' WHEN 'r' THEN 'PARALLEL = RESTRICTED' END,
                CASE WHEN a.aggkind = 'h' THEN 'HYPOTHETICAL' END)),
        'arguments', pg_get_function_arguments(p.oid),
        'result', pg_get_function_result(p.oid)
    )
FROM pg_proc p
JOIN pg_aggregate a ON a.aggfnoid = p.oid
JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE p.pronamespace = ANY (%(schemas)s::oid[]) AND p.prokind = 'a'
