-- Transactions that PREPARE TRANSACTION left waiting for their second phase; they keep locks and hold VACUUM back, also
-- across a restart (manual, PREPARE TRANSACTION, Notes).
SELECT p.gid, p.owner::text AS "user", p.database::text AS database,
       extract(epoch FROM now() - p.prepared)::float8 AS seconds,
       age(p.transaction)::bigint AS holds_back,
       p.database = current_database() AS here
  FROM pg_prepared_xacts p
 ORDER BY p.prepared
