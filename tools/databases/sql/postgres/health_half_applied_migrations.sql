-- Whether agentdb keeps a ledger in this database, and which sessions are there now (to tell an apply that is under way
-- from one whose process is gone); what is in the ledger comes from the caller.
SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'agentdb') AS has_ledger,
       (SELECT array_agg(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()) AS sessions,
       (SELECT jsonb_object_agg(pid::text, to_char(backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'))
          FROM pg_stat_activity WHERE datname = current_database() AND backend_start IS NOT NULL) AS starts
