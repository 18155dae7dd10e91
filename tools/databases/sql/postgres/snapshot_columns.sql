-- Columns of every relation that has some, dropped ones left out, in order. What few columns have comes in the last
-- column, NULL for most; defaults are asked for apart.
SELECT
    a.attrelid, a.attnum, a.attname, a.atttypid, a.attcollation,
    format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity::text,
    CASE WHEN a.attgenerated <> '' OR a.attcollation <> t.typcollation
              OR a.attstorage <> t.typstorage OR a.attfdwoptions IS NOT NULL
              OR a.attoptions IS NOT NULL AND EXISTS (SELECT FROM unnest(a.attoptions) x WHERE left(x, 10) <> 'pg_attver=')
              OR a.attcompression <> ''  -- since 14
              OR a.attacl IS NOT NULL OR a.attstattarget <> -1 OR a.attinhcount > 0
         THEN json_build_object(
            'generated', CASE a.attgenerated WHEN 's' THEN 'stored' WHEN 'v' THEN 'virtual' END,
            'collation', CASE WHEN a.attcollation <> t.typcollation AND a.attcollation <> 0
                         THEN a.attcollation::regcollation::text END,
            'storage', CASE WHEN a.attstorage <> t.typstorage THEN
                CASE a.attstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external' WHEN 'x' THEN 'extended'
                ELSE 'main' END END,
            'compression', CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END,  -- since 14
            'statistics_target', nullif(a.attstattarget, -1),
            'options', CASE WHEN a.attoptions IS NOT NULL THEN
                (SELECT array_agg(x) FROM unnest(a.attoptions) x WHERE left(x, 10) <> 'pg_attver=') END,
            'fdw_options', a.attfdwoptions,
            'grants', a.attacl::text,
            'inherited', a.attinhcount > 0,
            'also_local', a.attinhcount > 0 AND a.attislocal
        )
    END
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid
JOIN pg_type t ON t.oid = a.atttypid
WHERE c.relnamespace = ANY (%(schemas)s::oid[]) AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'c')
  AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum
