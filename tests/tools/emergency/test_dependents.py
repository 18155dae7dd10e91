"""Which later migrations build on one: by their statements, their headers and the catalog."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentdb.tools.emergency.dependents import dependents
from agentdb.tools.files import headers_of
from agentdb.tools.records import Migration
from agentdb.tools.sandbox.databases import SandboxDatabase
from agentdb.tools.schema.model import Snapshot
from agentdb.tools.schema.snapshot import read_snapshot

EMPTY = Snapshot("postgresql", 180000, 1)


def migration(label: str, sql: str) -> Migration:
    version, _, name = label.partition("_")
    return Migration(version, name, Path(f"{label}.sql"), sql, "", headers_of(sql), "applied")


@pytest.mark.parametrize(
    ("first", "later", "builds"),
    [
        ("CREATE TABLE t (id int)", "ALTER TABLE t ADD COLUMN a int", True),
        ("CREATE TABLE t (id int)", "CREATE VIEW v AS SELECT id FROM t", True),
        ("ALTER TABLE t ADD COLUMN a int", "CREATE INDEX i ON t (a)", True),
        ("ALTER TABLE t ADD COLUMN a int", "UPDATE t SET a = 1", True),
        ("ALTER TABLE t ADD COLUMN a int", "DROP TABLE t", True),
        ("ALTER TABLE t RENAME TO u", "ALTER TABLE u ADD COLUMN a int", True),
        ("CREATE TYPE mood AS ENUM ('ok')", "ALTER TABLE t ADD COLUMN m mood", True),
        ("SELECT 1", "-- depends: 001\nSELECT 2", True),
        ("ALTER TABLE t ADD COLUMN a int", "ALTER TABLE t ADD COLUMN b int", False),
        ("CREATE TABLE t (id int)", "CREATE TABLE u (id int)", False),
        ("CREATE INDEX i ON t (a)", "CREATE INDEX j ON t (a)", False),
    ],
)
def test_statements_and_headers_tell(first: str, later: str, builds: bool) -> None:
    found = dependents([migration("001_first", first)], [migration("002_later", later)], EMPTY)
    assert [d.label for d in found] == (["002_later"] if builds else [])
    assert all(d.on == "001_first" and d.because for d in found)


def test_what_builds_on_what_builds_on_it_comes_along() -> None:
    later = [
        migration("002_table", "ALTER TABLE t ADD COLUMN a int; CREATE TABLE u (id int)"),
        migration("003_other", "CREATE TABLE w (id int)"),
        migration("004_view", "CREATE VIEW v AS SELECT id FROM u"),
    ]
    found = dependents([migration("001_t", "CREATE TABLE t (id int)")], later, EMPTY)
    assert [(d.label, d.on) for d in found] == [("002_table", "001_t"), ("004_view", "002_table")]


def test_the_catalog_tells_what_no_statement_says(database: SandboxDatabase) -> None:
    first = "CREATE FUNCTION twice(n int) RETURNS int LANGUAGE sql IMMUTABLE RETURN n * 2"
    later = "CREATE TABLE made (n int)"
    with database.connect() as conn:
        conn.execute(first.encode())
        conn.execute(later.encode())
        conn.execute(b"ALTER TABLE made ADD COLUMN m int GENERATED ALWAYS AS (twice(n)) STORED")
        conn.execute(b"CREATE TABLE alone (n int)")
        live = read_snapshot(conn)
    # the third statement ran in neither script, as a block would hide it
    wanted = migration("002_made", later + "; ALTER TABLE made ADD COLUMN m int")
    found = dependents(
        [migration("001_f", first)], [wanted, migration("003_alone", "CREATE TABLE alone (n int)")], live
    )
    assert [d.label for d in found] == ["002_made"]
    assert found[0].because == ("column public.made.m needs function public.twice(integer)",)
