"""A schema turned into another and back: from nothing, to nothing, and after every kind of change."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import psycopg
import pytest

from agentdb.tools.databases.postgres import Connection
from agentdb.tools.schema.ddl.closure import different
from agentdb.tools.schema.ddl.plan import Plan, ddl_for, plan
from agentdb.tools.schema.diff import diff
from agentdb.tools.schema.model import Snapshot
from agentdb.tools.schema.snapshot import read_snapshot
from agentdb.tools.sql.parse import parse


def _mutations() -> list[str]:
    """The changes that the tests of the snapshot are sure to see."""
    path = Path(__file__).with_name("test_mutations.py")
    spec = importlib.util.spec_from_file_location("mutations_for_ddl", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return [sql for sql, _, _ in module.SEEN]


# What PostgreSQL has no statement for: a column or constraint that a parent gave stays the child's own once the child
# was without that parent; and ALTER DOMAIN ... ADD CHECK fails by itself after a DROP in one transaction.
NO_WAY_BACK = ("DROP CONSTRAINT percent_check",)


def carry_out(conn: Connection, work: Plan) -> None:
    conn.execute("SET LOCAL check_function_bodies = off")
    for step in work.steps:
        try:
            conn.execute(step.sql.encode())
        except psycopg.Error as error:
            raise AssertionError(f"{step.sql}\n{error}") from error


def differences(wanted: Snapshot, now: Snapshot) -> list[str]:
    found = [f"{i} missing" for i in wanted.objects if i not in now.objects]
    found += [f"{i} extra" for i in now.objects if i not in wanted.objects]
    for id, obj in wanted.objects.items():
        if id in now.objects and (names := different(obj.properties, now.objects[id].properties)):
            found.append(f"{id} {[(n, obj.properties.get(n), now.objects[id].properties.get(n)) for n in names]}")
    return found


def test_everything_is_made_from_nothing(all_kinds: Snapshot, scratch: Connection) -> None:
    with scratch.transaction(force_rollback=True):
        carry_out(scratch, plan(read_snapshot(scratch), all_kinds, runs_as="postgres"))
        assert differences(all_kinds, read_snapshot(scratch)) == []


def test_everything_is_dropped(all_kinds: Snapshot, kinds: Connection, scratch: Connection) -> None:
    nothing = read_snapshot(scratch)
    with kinds.transaction(force_rollback=True):
        carry_out(kinds, plan(all_kinds, nothing, runs_as="postgres"))
        assert differences(nothing, read_snapshot(kinds)) == []


@pytest.mark.parametrize("sql", _mutations())
def test_a_change_is_undone(all_kinds: Snapshot, kinds: Connection, sql: str) -> None:
    if any(word in sql for word in NO_WAY_BACK):
        pytest.skip("PostgreSQL has no statement for the way back")
    with kinds.transaction(force_rollback=True):
        for parsed in parse(sql).statements:
            kinds.execute(parsed.statement.text.encode())
        carry_out(kinds, plan(read_snapshot(kinds), all_kinds, runs_as="postgres"))
        assert differences(all_kinds, read_snapshot(kinds)) == []


def test_nothing_is_done_where_nothing_differs(all_kinds: Snapshot) -> None:
    assert plan(all_kinds, all_kinds).steps == ()


BEFORE = """
CREATE TABLE t (id int PRIMARY KEY, a text, b int);
CREATE VIEW v AS SELECT id, a FROM t;
CREATE VIEW w AS SELECT a FROM v;
"""


@pytest.mark.parametrize(
    ("sql", "statements"),
    [
        ("ALTER TABLE t ADD COLUMN c int", ["ALTER TABLE public.t DROP COLUMN c"]),
        ("ALTER TABLE t DROP COLUMN b", ["ALTER TABLE public.t ADD COLUMN b integer"]),
        ("CREATE INDEX i ON t (b)", ["DROP INDEX public.i"]),
        ("ALTER TABLE t ALTER b SET NOT NULL", ["ALTER TABLE public.t ALTER COLUMN b DROP NOT NULL"]),
        (
            "DROP VIEW w; DROP VIEW v; ALTER TABLE t ALTER a TYPE varchar(9); CREATE VIEW v AS SELECT id, a FROM t",
            [
                "DROP VIEW public.v",
                "ALTER TABLE public.t ALTER COLUMN a TYPE text",
                "CREATE VIEW public.v AS\nSELECT id,\n    a\n   FROM public.t",
                "CREATE VIEW public.w AS\nSELECT a\n   FROM public.v",
            ],
        ),
        (
            "ALTER TABLE t RENAME TO u",
            ["ALTER TABLE public.u RENAME TO t"],
        ),
    ],
)
def test_no_more_is_written_than_needed(scratch: Connection, sql: str, statements: list[str]) -> None:
    from agentdb.tools.schema.diff import renames_of

    with scratch.transaction(force_rollback=True):
        scratch.execute(BEFORE.encode())
        before = read_snapshot(scratch)
        scratch.execute(sql.encode())
        after = read_snapshot(scratch)
    changes = diff(before, after, renames=renames_of(parse(sql), before))
    made = ddl_for(changes, before, after, runs_as="postgres")
    assert made[: len(statements)] == statements if "RENAME" in sql else made == statements
