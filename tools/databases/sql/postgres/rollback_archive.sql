-- Where rollbacks keep what they need: one row for each capture and table, and what could not be put back.
CREATE SCHEMA IF NOT EXISTS agentdb_archive;
CREATE TABLE IF NOT EXISTS agentdb_archive.captures (
    migration text PRIMARY KEY,
    captured_at timestamptz NOT NULL DEFAULT now(),
    transaction_id xid NOT NULL,
    together boolean NOT NULL,
    writer xid,
    settled_at timestamptz,
    restored_at timestamptz
);
CREATE TABLE IF NOT EXISTS agentdb_archive.tables (
    migration text NOT NULL REFERENCES agentdb_archive.captures ON DELETE CASCADE,
    relation text NOT NULL,
    archive text NOT NULL,
    key text[] NOT NULL,
    kept bigint NOT NULL,
    PRIMARY KEY (migration, archive)
);
CREATE TABLE IF NOT EXISTS agentdb_archive.conflicts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    noticed_at timestamptz NOT NULL DEFAULT now(),
    migration text NOT NULL,
    relation text NOT NULL,
    key jsonb NOT NULL,
    why text NOT NULL
);
