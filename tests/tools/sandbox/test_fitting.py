"""Rows made to fit what a migration asks, and a migration's own faults told from those of synthetic rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agentdb.tools import naming
from agentdb.tools.records import Migration
from agentdb.tools.sandbox import fitting
from agentdb.tools.sandbox.databases import SandboxDatabase
from agentdb.tools.sandbox.run import run_migration
from agentdb.tools.sandbox.seed import seed
from agentdb.tools.sandbox.server import SandboxServer

SCHEMA = """
CREATE TABLE product (id int PRIMARY KEY, title text);
CREATE TABLE line (id int PRIMARY KEY, product_id int, note text, country char(2) NOT NULL);
"""


@pytest.fixture(scope="module")
def seeded(server: SandboxServer) -> Iterator[SandboxDatabase]:
    with server.create() as made:
        with made.connect() as conn:
            conn.execute(SCHEMA)
            seed(conn)
        yield made


def migration(sql: str) -> Migration:
    return Migration("001", "change", Path("001_change.sql"), sql, naming.checksum(sql))


def fit(server: SandboxServer, database: SandboxDatabase, sql: str) -> fitting.Fitted | None:
    change = migration(sql)
    with server.clone(database) as work:
        failed = run_migration(work, change, trace=False)
    assert fitting.depends_on_rows(failed), failed.error
    return fitting.fitted(server, database, change, failed, rows=12)


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE line ADD FOREIGN KEY (product_id) REFERENCES product (id)",
        "CREATE UNIQUE INDEX ON line (country)",
        "ALTER TABLE line ALTER note SET NOT NULL",
        "ALTER TABLE line ALTER note TYPE integer USING note::integer",
        "ALTER TABLE line ALTER note TYPE varchar(3)",
    ],
)
def test_rows_are_made_to_satisfy_what_the_migration_asks(
    server: SandboxServer, seeded: SandboxDatabase, sql: str
) -> None:
    found = fit(server, seeded, sql)
    assert found is not None and found.emptied == ()
    with found.database as database:
        with database.connect() as conn:
            assert conn.execute("SELECT count(*) FROM line").fetchone()[0] >= 10  # type: ignore[index]
        assert run_migration(database, migration(sql), trace=False).ok
    assert "production's rows were not looked at" in found.note


def test_where_no_rows_can_fit_the_tables_stay_empty_and_are_named(
    server: SandboxServer, seeded: SandboxDatabase
) -> None:
    found = fit(server, seeded, "ALTER TABLE line ADD COLUMN must int NOT NULL")
    assert found is not None and "public.line" in found.emptied
    found.database.drop()


def test_a_migration_that_fails_without_rows_is_its_own_fault(server: SandboxServer, seeded: SandboxDatabase) -> None:
    assert fit(server, seeded, "ALTER TABLE line ALTER note SET NOT NULL; SELECT 1 / 0") is None


def test_a_statement_that_is_wrong_is_no_matter_of_rows(server: SandboxServer, seeded: SandboxDatabase) -> None:
    with server.clone(seeded) as work:
        assert not fitting.depends_on_rows(run_migration(work, migration("ALTER TABLE nowhere ADD x int")))


def test_the_rows_of_before_are_left_alone(server: SandboxServer, seeded: SandboxDatabase) -> None:
    query = "SELECT md5(string_agg(l::text, '|' ORDER BY id)) FROM line l"
    with seeded.connect() as conn:
        before = conn.execute(query).fetchone()
    found = fit(server, seeded, "ALTER TABLE line ADD FOREIGN KEY (product_id) REFERENCES product (id)")
    assert found is not None
    found.database.drop()
    with seeded.connect() as conn:
        assert conn.execute(query).fetchone() == before
