-- What migrations set aside instead of dropping it: a table that stands in this schema, or a column of a table.
CREATE SCHEMA IF NOT EXISTS agentdb_archive;
CREATE TABLE IF NOT EXISTS agentdb_archive.set_aside (
    migration text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('table', 'column')),
    relation text NOT NULL,
    was text NOT NULL,
    now text NOT NULL,
    set_aside_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (migration, now)
);
