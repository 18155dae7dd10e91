"""Which tables the proof writes to before it says that writes made since stay: all whose rows the rollback may change."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agentdb.tools.naming import checksum
from agentdb.tools.records import Certificate, Migration
from agentdb.tools.rollback.proof import prove
from agentdb.tools.sandbox.databases import SandboxDatabase
from agentdb.tools.sandbox.server import SandboxServer

TABLES = 9
SCHEMA = "".join(
    f"CREATE TABLE t{n} (id int PRIMARY KEY, a text); INSERT INTO t{n} SELECT i, 'x' FROM generate_series(1, 5) i;"
    for n in range(TABLES)
) + (
    "CREATE TABLE big (id int PRIMARY KEY, a text); INSERT INTO big SELECT i, 'x' FROM generate_series(1, 100) i;"
    "CREATE TABLE large (id int PRIMARY KEY, a text); INSERT INTO large SELECT i, 'x' FROM generate_series(1, 2000) i;"
    "CREATE TABLE huge (id int PRIMARY KEY, a text); INSERT INTO huge SELECT i, 'x' FROM generate_series(1, 6000) i;"
    "CREATE TABLE parted (id int PRIMARY KEY, a text) PARTITION BY RANGE (id);"
    "CREATE TABLE part PARTITION OF parted FOR VALUES FROM (0) TO (1000000000);"
    "INSERT INTO parted SELECT i, 'x' FROM generate_series(1, 5) i;"
)


@pytest.fixture(scope="module")
def many(server: SandboxServer) -> Iterator[SandboxDatabase]:
    with server.create("many") as made:
        with made.connect() as conn:
            conn.execute(SCHEMA.encode())
        yield made


def certified(server: SandboxServer, many: SandboxDatabase, up: str, down: str) -> Certificate:
    return prove(server, many, Migration("003", "change", Path("003_change.sql"), up, checksum(up)), down)


@pytest.mark.parametrize(
    ("table", "takes"),
    [
        ("big", "DELETE FROM big WHERE id > 100"),
        ("large", "DELETE FROM large WHERE id > 2000"),
        ("t8", "DELETE FROM t8 WHERE id > 5"),
        ("t8", "DO $$ BEGIN EXECUTE 'DELETE FROM t' || 8 || ' WHERE id > 5'; END $$"),
        ("t8", "CREATE TEMP TABLE k AS SELECT * FROM t8 WHERE id < 6; TRUNCATE t8; INSERT INTO t8 SELECT * FROM k"),
        ("parted", "DELETE FROM part WHERE id > 5"),
    ],
)
def test_rows_that_a_rollback_takes_from_any_table_are_seen(
    server: SandboxServer, many: SandboxDatabase, table: str, takes: str
) -> None:
    found = certified(server, many, "CREATE TABLE fresh (id int)", f"DROP TABLE fresh; {takes}")
    assert found.klass == "SCHEMA_ONLY"
    assert f"public.{table}" in found.reason


def test_the_last_of_many_tables_is_written_to(server: SandboxServer, many: SandboxDatabase) -> None:
    up = "".join(f"ALTER TABLE t{n} ADD COLUMN z int;" for n in range(TABLES))
    down = "".join(f"ALTER TABLE t{n} DROP COLUMN z;" for n in range(TABLES))
    assert certified(server, many, up, down).klass == "LOSSLESS"
    found = certified(server, many, up, f"{down} DELETE FROM t8 WHERE id > 5")
    assert (found.klass, "public.t8" in found.reason) == ("SCHEMA_ONLY", True)


def test_a_table_with_too_many_rows_to_try_is_not_proven(server: SandboxServer, many: SandboxDatabase) -> None:
    found = certified(server, many, "ALTER TABLE huge ADD COLUMN z int", "ALTER TABLE huge DROP COLUMN z")
    assert (found.klass, found.proven) == ("SCHEMA_ONLY", False)
    assert "too much to try writes in public.huge" in found.reason
