-- purpose: agentdb's own schema in a target, and the history of what ran there
-- author: agentdb
-- reversible: yes, but the record of what was applied is lost with it
--
-- Expected locks: none on the target's own objects; everything here is new.
-- Unlike the files of a project, agentdb carries these out itself, within the first approved apply.

CREATE SCHEMA agentdb;
COMMENT ON SCHEMA agentdb IS 'agentdb: which migrations ran here, on whose approval, and what came of them';

CREATE TABLE agentdb.installed (
    version   text PRIMARY KEY,
    name      text NOT NULL,
    sha256    text NOT NULL,
    installed timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE agentdb.installed IS 'The migrations of this schema itself';

-- One row for each attempt. What is applied is the set of rows with status applied, never "all up to a number".
CREATE TABLE agentdb.history (
    id                 bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind               text NOT NULL CHECK (kind IN ('apply', 'rollback')),
    number             bigint NOT NULL,
    version            text NOT NULL,
    name               text NOT NULL,
    checksum           text NOT NULL,
    checksum_version   integer NOT NULL,
    status             text NOT NULL CHECK (status IN ('running', 'applied', 'failed', 'rolled_back')),
    dirty              boolean NOT NULL DEFAULT false,
    transactional      boolean NOT NULL,
    statement_count    integer NOT NULL CHECK (statement_count >= 0),
    statements_done    integer NOT NULL DEFAULT 0 CHECK (statements_done BETWEEN 0 AND statement_count),
    prefix_sha256      text NOT NULL DEFAULT '',
    under_way          jsonb,
    captured           boolean NOT NULL DEFAULT false,
    started            timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished           timestamptz,
    duration_ms        bigint,
    who                text NOT NULL,
    approver           text NOT NULL DEFAULT '',
    approval_nonce     text,
    plan_sha256        text NOT NULL,
    environment        text NOT NULL,
    system_identifier  text NOT NULL,
    database           text NOT NULL,
    rollback_sha256    text NOT NULL DEFAULT '',
    capture_sha256     text NOT NULL DEFAULT '',
    fingerprint_before text NOT NULL,
    fingerprint_after  text NOT NULL DEFAULT '',
    shape_before       text NOT NULL,
    shape_after        text NOT NULL DEFAULT '',
    backend_pid        integer,
    backend_start      timestamptz,
    error              jsonb,
    undoes             bigint REFERENCES agentdb.history (id),
    sql                text NOT NULL,
    agentdb_version    text NOT NULL
);
COMMENT ON COLUMN agentdb.history.dirty IS 'Failed, and something of it may be left in the database';
COMMENT ON COLUMN agentdb.history.prefix_sha256 IS 'Hash of the statements done so far; resuming needs it unchanged';
COMMENT ON COLUMN agentdb.history.under_way IS 'The statement that was started outside a transaction and has not been seen to end';
COMMENT ON COLUMN agentdb.history.shape_before IS 'Fingerprint that does not look at the order of columns';

-- At most one attempt of a migration is under way, done, or waiting to be cleaned up: the server itself sees to it.
CREATE UNIQUE INDEX history_one_open ON agentdb.history (number, kind)
    WHERE status IN ('running', 'applied') OR dirty;
CREATE INDEX history_undoes ON agentdb.history (undoes);
