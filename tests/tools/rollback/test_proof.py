"""Rollbacks that people wrote: what the proof says of good ones, and of those that lose or leave something."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agentdb.tools.naming import checksum
from agentdb.tools.records import Certificate, Migration
from agentdb.tools.rollback.proof import prove
from agentdb.tools.sandbox.databases import SandboxDatabase
from agentdb.tools.sandbox.server import SandboxServer

SCHEMA = """
CREATE TABLE people (id int PRIMARY KEY, name text NOT NULL, email text UNIQUE, age int);
CREATE TABLE pets (id int PRIMARY KEY, owner int REFERENCES people ON DELETE CASCADE, name text);
INSERT INTO people SELECT n, 'name ' || n, n || '@example.org', 20 + n FROM generate_series(1, 5) n;
INSERT INTO pets SELECT n, n, 'pet ' || n FROM generate_series(1, 4) n;
"""


@pytest.fixture(scope="module")
def home(server: SandboxServer) -> Iterator[SandboxDatabase]:
    with server.create("home") as made:
        with made.connect() as conn:
            conn.execute(SCHEMA.encode())
        yield made


def certified(server: SandboxServer, home: SandboxDatabase, up: str, down: str, capture: str = "") -> Certificate:
    migration = Migration("003", "change", Path("003_change.sql"), up, checksum(up))
    return prove(server, home, migration, down, capture)


def test_a_good_one_is_lossless(server: SandboxServer, home: SandboxDatabase) -> None:
    found = certified(server, home, "ALTER TABLE people ADD COLUMN city text", "ALTER TABLE people DROP COLUMN city")
    assert (found.klass, found.proven) == ("LOSSLESS", True)
    assert [s["step"] for s in found.steps if s["ok"]] == [
        "up", "down", "compare schema", "compare rows", "up again", "writes", "down after writes",
    ]  # fmt: skip
    assert found.up_sha256 == checksum("ALTER TABLE people ADD COLUMN city text")
    assert found.down_sha256 == checksum("ALTER TABLE people DROP COLUMN city")


def test_a_column_that_comes_back_empty_is_a_loss(server: SandboxServer, home: SandboxDatabase) -> None:
    found = certified(server, home, "ALTER TABLE people DROP COLUMN age", "ALTER TABLE people ADD COLUMN age int")
    assert (found.klass, found.proven) == ("LOSSY", True)
    assert [(x.table, x.columns, x.rows) for x in found.losses] == [("public.people", ("age",), 5)]


def test_a_table_that_comes_back_empty_is_a_loss(server: SandboxServer, home: SandboxDatabase) -> None:
    down = "CREATE TABLE pets (id int PRIMARY KEY, owner int REFERENCES people ON DELETE CASCADE, name text)"
    found = certified(server, home, "DROP TABLE pets", down)
    assert (found.klass, found.losses[0].rows) == ("LOSSY", 4)


def test_rows_that_stay_changed_are_a_loss(server: SandboxServer, home: SandboxDatabase) -> None:
    found = certified(server, home, "UPDATE people SET age = age + 1 WHERE id < 3", "SELECT 1")
    assert (found.klass, found.losses[0].columns, found.losses[0].rows) == ("LOSSY", ("age",), 2)


def test_too_much_undone_is_a_loss(server: SandboxServer, home: SandboxDatabase) -> None:
    found = certified(server, home, "INSERT INTO people VALUES (99, 'new')", "DELETE FROM people WHERE id > 4")
    assert (found.klass, found.losses[0].table) == ("LOSSY", "public.people")


@pytest.mark.parametrize(
    ("up", "down", "left"),
    [
        ("CREATE INDEX i ON people (age)", "SELECT 1", "index public.people.i is left over"),
        ("ALTER TABLE people DROP COLUMN age", "ALTER TABLE people ADD COLUMN age bigint", "type differ"),
        ("ALTER TABLE people ALTER name DROP NOT NULL", "SELECT 1", "not_null differ"),
        (
            "DROP TABLE pets",
            "CREATE TABLE pets (id int PRIMARY KEY, owner int, name text)",
            "pets_owner_fkey is missing",
        ),
        ("COMMENT ON TABLE pets IS 'x'", "COMMENT ON TABLE pets IS 'y'", "comment differ"),
    ],
)
def test_a_schema_that_does_not_return_is_named(
    server: SandboxServer, home: SandboxDatabase, up: str, down: str, left: str
) -> None:
    found = certified(server, home, up, down)
    assert (found.klass, found.proven) == ("IMPOSSIBLE", True)
    assert left in found.reason


def test_one_that_fails_proves_nothing(server: SandboxServer, home: SandboxDatabase) -> None:
    found = certified(server, home, "ALTER TABLE people ADD COLUMN city text", "ALTER TABLE people DROP COLUMN town")
    assert (found.klass, found.proven) == ("IMPOSSIBLE", False)
    assert 'column "town" of relation "people" does not exist' in found.reason


def test_one_that_is_no_sql_proves_nothing(server: SandboxServer, home: SandboxDatabase) -> None:
    found = certified(server, home, "ALTER TABLE people ADD COLUMN city text", "ALTER TABEL people")
    assert (found.klass, found.proven) == ("IMPOSSIBLE", False)
    assert "does not parse" in found.reason


def test_one_that_takes_later_rows_along_is_told(server: SandboxServer, home: SandboxDatabase) -> None:
    up = "UPDATE people SET age = 0; CREATE TABLE kept AS SELECT 1"
    down = """DROP TABLE kept; DELETE FROM pets WHERE id > 4; DELETE FROM people WHERE id > 5;
              UPDATE people SET age = 20 + id"""
    found = certified(server, home, up, down)
    assert (found.klass, found.proven) == ("SCHEMA_ONLY", True)
    assert "written since" in found.reason


def test_one_after_which_the_migration_does_not_run_again_is_not_proven(
    server: SandboxServer, home: SandboxDatabase
) -> None:
    up = "CREATE SCHEMA agentdb_archive; CREATE TABLE people2 AS TABLE people"
    found = certified(server, home, up, "DROP TABLE people2")
    assert (found.klass, found.proven) == ("SCHEMA_ONLY", False)
    assert "does not run again" in found.reason


def test_one_that_opens_its_own_transaction_is_proven_on_a_copy(server: SandboxServer, home: SandboxDatabase) -> None:
    down = "BEGIN; ALTER TABLE people DROP COLUMN city; COMMIT;"
    found = certified(server, home, "ALTER TABLE people ADD COLUMN city text", down)
    assert found.klass == "LOSSLESS", found.line


def test_the_database_given_is_not_changed(server: SandboxServer, home: SandboxDatabase) -> None:
    certified(server, home, "DROP TABLE pets", "SELECT 1")
    with home.connect() as conn:
        assert conn.execute("SELECT count(*) FROM pets").fetchone() == (4,)
