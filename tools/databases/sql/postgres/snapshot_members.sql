-- Objects that belong to an extension: they are the extension's business and are not listed.
SELECT d.classid, d.objid, d.refobjid
FROM pg_depend d
WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
