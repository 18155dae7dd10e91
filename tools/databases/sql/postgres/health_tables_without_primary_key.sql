-- Tables without a primary key, with what that breaks: a table whose updates or deletes are published needs a
-- replica identity, or they fail. Partitions are judged by their
-- parent. Publication of a whole schema (15) is read from pg_depend, which every version has.
SELECT n.nspname::text AS schema, c.relname::text AS "table",
       greatest(c.reltuples, pg_stat_get_live_tuples(c.oid), 0)::bigint AS rows,
       EXISTS (SELECT FROM pg_index x WHERE x.indrelid = c.oid AND x.indisunique AND x.indisvalid AND x.indimmediate
                  AND x.indpred IS NULL AND x.indexprs IS NULL
                  AND NOT EXISTS (SELECT FROM unnest(string_to_array(x.indkey::text, ' ')::int2[]) AS k (number)
                                    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number
                                   WHERE NOT a.attnotnull)) AS has_unique_key,
       c.relreplident::text AS replica_identity,
       c.relreplident IN ('d', 'n') AND EXISTS (
           SELECT FROM pg_publication p
            WHERE (p.pubupdate OR p.pubdelete)
              AND (p.puballtables OR EXISTS (SELECT FROM pg_publication_rel r WHERE r.prpubid = p.oid AND r.prrelid = c.oid)
                   OR EXISTS (SELECT FROM pg_depend a JOIN pg_depend b ON b.classid = a.classid AND b.objid = a.objid
                               WHERE a.classid = to_regclass('pg_catalog.pg_publication_namespace')::oid
                                 AND a.refclassid = 'pg_publication'::regclass AND a.refobjid = p.oid
                                 AND b.refclassid = 'pg_namespace'::regclass AND b.refobjid = n.oid))) AS published_without_identity
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND NOT c.relispartition
   AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'agentdb', 'agentdb_archive') AND n.nspname !~ '^pg_(toast|temp_)'
   AND NOT EXISTS (SELECT FROM pg_index x WHERE x.indrelid = c.oid AND x.indisprimary)
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
 ORDER BY published_without_identity DESC, rows DESC, 1, 2
