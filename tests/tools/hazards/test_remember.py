"""A snapshot tells the rules what the statements that made the schema tell them."""

from __future__ import annotations

import dataclasses

import pytest

from agentdb.tools.hazards.context import Context
from agentdb.tools.hazards.run import Session, check
from agentdb.tools.sandbox.databases import SandboxDatabase
from agentdb.tools.schema.snapshot import read_snapshot
from agentdb.tools.sql.parse import parse

SCHEMA = """
CREATE SCHEMA app;
CREATE TYPE app.mood AS ENUM ('sad', 'happy');
CREATE DOMAIN percent AS integer CHECK (VALUE <= 100);
CREATE DOMAIN plain AS integer;
CREATE TABLE app."Order Line" (id bigint PRIMARY KEY, note varchar(20) NOT NULL, total numeric(8,2), mood app.mood,
    share percent, at timestamp(3), tags text[], gross numeric GENERATED ALWAYS AS (total * 2) STORED,
    CONSTRAINT total_set CHECK (total IS NOT NULL), CONSTRAINT later CHECK (share > 0) NOT VALID);
CREATE INDEX lines_note ON app."Order Line" (note);
CREATE UNIQUE INDEX lines_total ON app."Order Line" (total);
CREATE TABLE child (id bigint PRIMARY KEY, line bigint REFERENCES app."Order Line");
CREATE TABLE events (day date NOT NULL) PARTITION BY RANGE (day);
CREATE TABLE events_rest PARTITION OF events DEFAULT;
CREATE VIEW v AS SELECT id FROM child;
CREATE FUNCTION calm() RETURNS integer STABLE LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION wild() RETURNS float LANGUAGE sql AS 'SELECT random()';
"""

CHANGES = [
    'ALTER TABLE app."Order Line" ALTER note TYPE varchar(30);',
    'ALTER TABLE app."Order Line" ALTER note TYPE varchar(10);',
    'ALTER TABLE app."Order Line" ALTER note TYPE text COLLATE "C";',
    'ALTER TABLE app."Order Line" ALTER total TYPE numeric(12,2);',
    'ALTER TABLE app."Order Line" ALTER total SET NOT NULL;',
    'ALTER TABLE app."Order Line" ALTER note SET NOT NULL, ALTER share SET NOT NULL;',
    'ALTER TABLE app."Order Line" ALTER at TYPE timestamptz, ALTER tags TYPE varchar[];',
    'ALTER TABLE app."Order Line" VALIDATE CONSTRAINT later, DROP COLUMN gross;',
    'ALTER TABLE app."Order Line" DROP CONSTRAINT "Order Line_pkey";',
    'ALTER TABLE app."Order Line" ADD COLUMN a percent, ADD COLUMN b plain;',
    "ALTER TABLE child ADD COLUMN a int DEFAULT calm(), ADD COLUMN b float DEFAULT wild();",
    "ALTER TABLE child DROP CONSTRAINT child_line_fkey;",
    "ALTER TABLE events ADD PRIMARY KEY (day);",
    "CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');",
    "CREATE INDEX i ON events (day);",
    "ALTER DOMAIN percent ADD CHECK (VALUE > 0);",
    "ALTER DOMAIN plain ADD CHECK (VALUE > 0);",
    "DROP TYPE app.mood CASCADE;",
    "DROP INDEX app.lines_note;",
    "DROP VIEW v;",
    "ALTER VIEW v RENAME TO w;",
    "SELECT wild();",
    "SELECT unknown_one();",
]


@pytest.fixture
def snapshot_session(database: SandboxDatabase) -> Context:
    with database.connect() as connection:
        connection.execute(SCHEMA.encode())
        return Context(in_transaction=True, lock_timeout_set=True, before=read_snapshot(connection))


def test_statements_and_snapshot_lead_to_the_same_findings(snapshot_session: Context) -> None:
    by_statements = dataclasses.replace(snapshot_session, before=None, setup=(parse(SCHEMA),), schema_complete=True)
    differing = {}
    for sql in CHANGES:
        script = parse(sql)
        told = [[(f.rule, f.why) for f in check(script, context=c)] for c in (snapshot_session, by_statements)]
        if told[0] != told[1]:
            differing[sql] = told
    assert differing == {}


def test_what_a_snapshot_tells_of_a_table(snapshot_session: Context) -> None:
    catalog = Session(snapshot_session).catalog
    table = catalog.tables["app.Order Line"]
    assert catalog.complete
    assert table.known and not table.new and table.kind == "table"
    assert {n: str(c.type) for n, c in table.columns.items()}["note"] == "varchar(20)"
    assert table.proven_not_null("total") and not table.proven_not_null("share")
    assert {i.name for i in catalog.indexes_of("app.Order Line")} == {
        "app.Order Line_pkey",
        "app.lines_note",
        "app.lines_total",
    }
    assert catalog.tables["events"].partitioned
    assert catalog.tables["events"].default_partition == "events_rest"
    assert catalog.tables["v"].kind == "view"
