-- What cannot be locked now, as lines "oid=MODE" ("oid=?" where it could not be tried), and how many rows of a table
-- nobody else can change now, as "oid#rows". Run between BEGIN and ROLLBACK, with three settings that say what to try:
-- agentdb.tried and agentdb.changed (arrays of oids) and agentdb.modes.
-- A failed LOCK is undone by the block's own subtransaction. A relation is called by the name that others know it by
-- now; one that a committed statement dropped is nobody's any more, and is not tried.
-- Rows: SKIP LOCKED leaves out those that another transaction holds (manual, SELECT). Large tables are not looked at.
DO $probe$
DECLARE
    found text := '';
    relation record;
    mode text;
    rows bigint;
BEGIN
    FOR relation IN
        SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS name
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.oid = ANY (current_setting('agentdb.tried')::oid[])
    LOOP
        FOREACH mode IN ARRAY current_setting('agentdb.modes')::text[] LOOP
            BEGIN
                EXECUTE format('LOCK TABLE %s IN %s MODE NOWAIT', relation.name, mode);
            EXCEPTION
                WHEN lock_not_available THEN found := found || relation.oid || '=' || mode || E'\n';
                WHEN OTHERS THEN found := found || relation.oid || E'=?\n';
            END;
        END LOOP;
    END LOOP;
    FOR relation IN
        SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS name
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.oid = ANY (current_setting('agentdb.changed')::oid[]) AND c.relkind = 'r'
    LOOP
        BEGIN
            EXECUTE format('LOCK TABLE %s IN ROW SHARE MODE NOWAIT', relation.name);
            CONTINUE WHEN pg_relation_size(relation.oid) > 32 * 1024 * 1024;  -- which waits for the table's lock
            EXECUTE format(
                'SELECT (SELECT count(*) FROM ONLY %1$s)'
                ' - (SELECT count(*) FROM (SELECT FROM ONLY %1$s FOR NO KEY UPDATE SKIP LOCKED) s)', relation.name
            ) INTO rows;
            found := found || relation.oid || '#' || rows || E'\n';
        EXCEPTION WHEN OTHERS THEN
            NULL;  -- blocked as a whole, which is told already
        END;
    END LOOP;
    PERFORM set_config('agentdb.blocked', found, true);
END
$probe$;
SELECT current_setting('agentdb.blocked')
