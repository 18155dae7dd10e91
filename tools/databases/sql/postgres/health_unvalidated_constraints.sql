-- Constraints that the server does not know to hold for the rows that were there first (NOT VALID), and those that
-- it does not enforce at all (NOT ENFORCED, PostgreSQL 18). Partitions repeat their parent's: only the parent's count.
WITH busy AS MATERIALIZED (
    -- printing a definition locks its table: not where somebody has or waits for ACCESS EXCLUSIVE
    SELECT l.relation FROM pg_locks l
     WHERE l.mode = 'AccessExclusiveLock' AND l.locktype = 'relation' AND l.pid IS DISTINCT FROM pg_backend_pid()
       AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
)
SELECT n.nspname::text AS schema, t.relname::text AS "table", k.conname::text AS constraint,
       CASE k.contype WHEN 'f' THEN 'FOREIGN KEY' WHEN 'c' THEN 'CHECK' WHEN 'n' THEN 'NOT NULL' ELSE k.contype::text END AS kind,
       coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true) AS enforced,
       false AS is_domain,
       CASE WHEN k.contype <> 'c' OR k.conrelid NOT IN (SELECT relation FROM busy) THEN pg_get_constraintdef(k.oid) END AS definition,
       greatest(t.reltuples, 0)::bigint AS rows
  FROM pg_constraint k
  JOIN pg_class t ON t.oid = k.conrelid
  JOIN pg_namespace n ON n.oid = t.relnamespace
 WHERE NOT k.convalidated AND k.conparentid = 0 AND k.coninhcount = 0
   AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'agentdb', 'agentdb_archive') AND n.nspname !~ '^pg_(toast|temp_)'
UNION ALL
SELECT n.nspname::text, y.typname::text, k.conname::text, 'CHECK', true, true, pg_get_constraintdef(k.oid), NULL
  FROM pg_constraint k
  JOIN pg_type y ON y.oid = k.contypid
  JOIN pg_namespace n ON n.oid = y.typnamespace
 WHERE NOT k.convalidated
 ORDER BY 1, 2, 3
