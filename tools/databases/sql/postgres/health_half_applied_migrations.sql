-- Whether agentdb keeps a ledger in this database, and which sessions are there now (to tell an apply that is under way
-- from one whose process is gone); what is in the ledger comes from the caller.
SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'agentdb') AS has_ledger,
       (SELECT array_agg(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
          AND (backend_start IS NULL OR pid = ANY (%(pids)s::int[]))) AS sessions,
       (SELECT array_agg(to_char(backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'))
          FROM pg_stat_activity WHERE pid = ANY (%(pids)s::int[]) AND backend_start IS NOT NULL) AS starts
