from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agentdb.tools import naming
from agentdb.tools.databases.postgres import Connection
from agentdb.tools.health.drift import Cause, adoption, drift, reversal
from agentdb.tools.health.replay import live_schema, replay, tried
from agentdb.tools.records import Migration, to_plain
from agentdb.tools.sandbox.databases import SandboxDatabase
from agentdb.tools.sandbox.server import SandboxServer
from agentdb.tools.schema.snapshot import read_snapshot

pytestmark = pytest.mark.slow

FIRST = (
    "CREATE TABLE orders (id bigserial PRIMARY KEY, total numeric CHECK (total >= 0)); CREATE INDEX ON orders (total);"
)
SECOND = "CREATE TABLE note (id int PRIMARY KEY, text text); COMMENT ON TABLE note IS 'a note';"
THIRD = "ALTER TABLE note ADD COLUMN author text; CREATE INDEX CONCURRENTLY note_author ON note (author);"


def migration(number: int, sql: str, state: str = "applied") -> Migration:
    name = f"step{number}"
    return Migration(f"{number:03}", name, Path(f"{number:03}_{name}.sql"), sql, naming.checksum(sql), state=state)


def applied(*found: Migration) -> list[dict[str, Any]]:
    return [
        {"kind": "apply", "version": m.version, "name": m.name, "status": "applied", "checksum": m.sha256}
        for m in found
    ]


def run(conn: Connection, *statements: str) -> None:
    for statement in statements:
        conn.execute(statement.encode())


def apply(conn: Connection, *found: Migration) -> None:
    for m in found:
        for part in m.sql.split("; "):
            conn.execute(part.encode())


def test_a_database_that_only_migrations_touched_has_no_drift(
    server: SandboxServer, database: SandboxDatabase, conn: Connection
) -> None:
    first, second = migration(1, FIRST), migration(2, SECOND)
    apply(conn, first, second)
    run(conn, "INSERT INTO orders (total) VALUES (1)", "GRANT SELECT ON orders TO PUBLIC", "ANALYZE")
    made = replay(server, [first, second], [first, second], [])
    found = drift(conn, made.expected, migrations=[first, second], ledger_rows=applied(first, second))
    assert (found.drifted, found.items, found.verdict) == (False, (), "no drift")


def test_what_somebody_did_by_hand_is_out_of_band_by_object(server: SandboxServer, conn: Connection) -> None:
    first, second = migration(1, FIRST), migration(2, SECOND)
    apply(conn, first, second)
    run(
        conn,
        "ALTER TABLE orders ADD COLUMN hotfix text, ALTER COLUMN total SET NOT NULL",
        "CREATE TABLE scratch (id serial PRIMARY KEY, x int)",
        "DROP TABLE note",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    )
    made = replay(server, [first, second], [first, second], [])
    found = drift(conn, made.expected, migrations=[first, second], ledger_rows=applied(first, second))
    assert found.drifted and {i.cause for i in found.items} == {Cause.OUT_OF_BAND}
    lines = {i.line.split(":")[0] for i in found.items}
    assert lines == {
        "function public.f() added",
        "table public.note dropped",
        "table public.orders",
        "table public.scratch added",
    }
    (orders,) = [i for i in found.items if i.line.startswith("table public.orders")]
    assert orders.line == "table public.orders: 2 changes" and len(orders.changes) == 2
    assert "column public.orders.hotfix" in orders.objects
    assert found.verdict == "drift: 4 objects changed outside agentdb"
    json.dumps(to_plain(found))


def test_a_pending_migration_is_no_drift_but_told_with_what_it_would_change(
    server: SandboxServer, conn: Connection
) -> None:
    first, second, third = migration(1, FIRST), migration(2, SECOND), migration(3, THIRD, "pending")
    apply(conn, first, second)
    made = replay(server, [first, second], [first, second], [third])
    found = drift(
        conn, made.expected, planned=made.planned, migrations=[first, second, third], ledger_rows=applied(first, second)
    )
    assert (found.drifted, found.verdict) == (False, "no drift (1 migration pending)")
    (item,) = found.items
    assert (item.cause, item.migration, item.line) == (
        Cause.UNAPPLIED,
        "003_step3",
        "003_step3 is pending, 2 changes to come",
    )
    assert item.objects == ("column public.note.author", "index public.note.note_author")


def test_a_pending_migration_that_somebody_ran_by_hand_is_told_as_such(server: SandboxServer, conn: Connection) -> None:
    second, third = migration(2, SECOND), migration(3, THIRD, "pending")
    apply(conn, second, third)
    made = replay(server, [second], [second], [third])
    found = drift(conn, made.expected, planned=made.planned, migrations=[second, third], ledger_rows=applied(second))
    (by_hand, _) = found.items
    assert by_hand.cause is Cause.OUT_OF_BAND
    assert by_hand.line == "table public.note: 2 changes; pending 003_step3 makes the same and would fail"


def test_an_edited_file_is_told_with_what_the_edit_changes(server: SandboxServer, conn: Connection) -> None:
    first, second = migration(1, FIRST), migration(2, SECOND)
    edited = migration(2, SECOND.replace("text text", "text varchar(80)"))
    apply(conn, first, second)
    rows = applied(first, second)
    made = replay(server, [first, second], [first, edited], [])
    found = drift(conn, made.expected, files=made.files, migrations=[first, edited], ledger_rows=rows)
    (item,) = found.items
    assert (item.cause, item.migration) == (Cause.EDITED_FILE, "002_step2")
    assert item.line == "002_step2 was edited after it was applied; the schema would differ in 1 place"
    assert item.objects == ("column public.note.text",)
    assert found.verdict == "drift: 1 applied file edited or gone"
    cosmetic = migration(2, "-- a comment\n" + SECOND)
    made = replay(server, [first, second], [first, cosmetic], [])
    found = drift(conn, made.expected, files=made.files, migrations=[first, cosmetic], ledger_rows=rows)
    assert [i.line for i in found.items] == ["002_step2 was edited after it was applied"]


def test_an_edit_that_was_also_made_by_hand_is_both(server: SandboxServer, conn: Connection) -> None:
    second = migration(2, SECOND)
    edited = migration(2, SECOND.replace("text text", "text varchar(80)"))
    apply(conn, second)
    run(conn, "ALTER TABLE note ALTER COLUMN text TYPE varchar(80)")
    made = replay(server, [second], [edited], [])
    found = drift(conn, made.expected, files=made.files, migrations=[edited], ledger_rows=applied(second))
    assert [i.cause for i in found.items] == [Cause.OUT_OF_BAND, Cause.EDITED_FILE]
    assert found.items[0].line.endswith("; the edited file makes the same")


def test_an_applied_file_that_is_gone_is_told(server: SandboxServer, conn: Connection) -> None:
    first, second = migration(1, FIRST), migration(2, SECOND)
    apply(conn, first, second)
    made = replay(server, [first, second], [first], [])
    found = drift(conn, made.expected, files=made.files, migrations=[first], ledger_rows=applied(first, second))
    assert found.items[0].line == "002_step2 was applied and its file is gone"


def test_what_a_broken_off_migration_left_is_partial_not_out_of_band(server: SandboxServer, conn: Connection) -> None:
    second, third = migration(2, SECOND), migration(3, THIRD, "pending")
    apply(conn, second)
    run(conn, "ALTER TABLE note ADD COLUMN author text", "CREATE TABLE scratch (x int)")
    open_row = {
        "kind": "apply",
        "version": "003",
        "name": "step3",
        "status": "failed",
        "dirty": True,
        "statement_count": 2,
        "statements_done": 1,
    }
    made = replay(server, [second], [second], [])
    found = drift(
        conn, made.expected, migrations=[second, third], ledger_rows=[*applied(second), open_row], planned=made.planned
    )
    partial, scratch = sorted(found.items, key=lambda i: i.cause, reverse=True)
    assert (partial.cause, partial.migration) == (Cause.PARTIAL, "003_step3")
    assert partial.line == "apply of 003_step3 is failed, 1 of 2 statements done; 1 change of it there"
    assert partial.objects == ("column public.note.author",)
    assert scratch.cause is Cause.OUT_OF_BAND


def test_owners_and_grants_count_only_when_asked_for(server: SandboxServer, conn: Connection) -> None:
    second = migration(2, SECOND)
    apply(conn, second)
    run(conn, "GRANT SELECT ON note TO PUBLIC")
    made = replay(server, [second], [second], [])
    assert drift(conn, made.expected).items == ()
    assert [i.cause for i in drift(conn, made.expected, ignore_properties=()).items] == [Cause.OUT_OF_BAND]


def test_adopting_and_reverting_are_tried_in_the_sandbox(server: SandboxServer, conn: Connection) -> None:
    first, second = migration(1, FIRST), migration(2, SECOND)
    apply(conn, first, second)
    run(
        conn,
        "ALTER TABLE orders ADD COLUMN hotfix text DEFAULT 'x'",
        "DROP INDEX orders_total_idx",
        "CREATE VIEW dear AS SELECT * FROM orders WHERE total > 100",
    )
    made = replay(server, [first, second], [first, second], [])
    live = read_snapshot(conn)
    adopt = adoption(live, made.expected)
    assert adopt and tried(server, [first, second], adopt, live) == ""
    assert tried(server, [first, second], adopt[:-1], live).startswith("it leaves")
    revert = reversal(live, made.expected)
    assert tried(server, [first, second], [*adopt, *revert], made.expected) == ""
    run(conn, *revert)
    assert drift(conn, made.expected).items == ()


def test_pending_migrations_that_do_not_run_are_a_note(server: SandboxServer, conn: Connection) -> None:
    second, broken = migration(2, SECOND), migration(3, "ALTER TABLE nowhere ADD x int;", "pending")
    made = replay(server, [second], [second], [broken])
    assert made.planned is None and "the pending migrations were not replayed" in made.notes[-1]


def test_a_target_of_the_same_version_is_read_in_place(
    server: SandboxServer, database: SandboxDatabase, conn: Connection
) -> None:
    apply(conn, migration(2, SECOND))
    live, notes = live_schema(server, conn, database.dsn)
    assert notes == () and drift(live, read_snapshot(conn)).items == ()
