-- Comments and security labels of everything that people made, and of schemas and extensions.
-- The first column of the result says which: NULL for a comment, else the label's provider.
SELECT NULL::text, d.classoid, d.objoid, d.objsubid, d.description
FROM pg_description d
WHERE d.objoid >= 16384 OR d.classoid IN ('pg_namespace'::regclass, 'pg_extension'::regclass)
UNION ALL
SELECT s.provider, s.classoid, s.objoid, s.objsubid, s.label
FROM pg_seclabel s
