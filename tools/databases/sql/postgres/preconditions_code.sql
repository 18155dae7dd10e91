-- Functions and operators by name: whether the server itself has the function, whether it changes nothing (is not
-- volatile, in any of its forms), and whether others made something of that name, which might be meant instead.
SELECT 'function' AS what, w.name, count(p.oid) FILTER (WHERE p.oid < 16384) > 0 AS known,
       coalesce(bool_and(p.provolatile <> 'v') FILTER (WHERE p.oid < 16384), false) AS steady,
       count(p.oid) FILTER (WHERE p.oid >= 16384
         AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid AND e.deptype = 'e')) > 0 AS others
  FROM unnest(%(functions)s::text[]) w (name)
  LEFT JOIN pg_proc p ON p.proname = w.name::name
 GROUP BY w.name
UNION ALL
SELECT 'operator', w.name, count(o.oid) FILTER (WHERE o.oid < 16384) > 0, true,
       count(o.oid) FILTER (WHERE o.oid >= 16384
         AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_operator'::regclass AND e.objid = o.oid AND e.deptype = 'e')) > 0
  FROM unnest(%(operators)s::text[]) w (name)
  LEFT JOIN pg_operator o ON o.oprname = w.name::name
 GROUP BY w.name
