-- The names of functions that neither the server nor an extension brought.
SELECT DISTINCT p.proname::text AS name
  FROM pg_proc p
 WHERE p.oid >= 16384
   AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid AND e.deptype = 'e')
