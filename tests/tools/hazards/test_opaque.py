"""SQL that nobody can read before it runs: what it did in the sandbox is told all the same."""

from __future__ import annotations

import pytest

from agentdb.tools.hazards.context import Context
from agentdb.tools.hazards.reconcile import reconcile
from agentdb.tools.hazards.run import check
from agentdb.tools.records import Finding, Proof
from agentdb.tools.sandbox.run import evidence, run_script
from agentdb.tools.sandbox.seed import seed
from agentdb.tools.sandbox.server import SandboxServer
from agentdb.tools.sql.parse import parse

SETUP = """
CREATE TABLE orders (id int PRIMARY KEY, state text);
CREATE TABLE notes (id int PRIMARY KEY, note text);
CREATE MATERIALIZED VIEW totals AS SELECT count(*) FROM orders;
CREATE FUNCTION purge(what text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'DELETE FROM ' || what; END $$;
"""


def measured(server: SandboxServer, sql: str, *, alone: bool = False) -> list[Finding]:
    with server.create() as database:
        with database.connect() as connection:
            connection.execute(SETUP.encode())
            seed(connection, rows=5)
        run = run_script(database, sql, no_transaction=alone)
    assert run.ok, run.error
    script = parse(sql)
    context = Context(in_transaction=not alone, lock_timeout_set=True, setup=(parse(SETUP),), schema_complete=True)
    found = reconcile(check(script, context=context), run, evidence(run), context=context, script=script)
    return [f for f in found if f.rule in ("measured-drop", "measured-write", "measured-lock")]


def block(*statements: str) -> str:
    return f"DO $$ BEGIN {' '.join(f'EXECUTE format({s});' for s in statements)} END $$;"


@pytest.mark.parametrize("alone", [False, True])
def test_a_dropped_table_is_an_error_that_names_it(server: SandboxServer, alone: bool) -> None:
    [found] = measured(server, block("'DROP TABLE %I', 'orders' || ' CASCADE'").replace("%I", "%s"), alone=alone)
    assert (found.rule, found.severity, found.objects, found.proof) == (
        "measured-drop", "error", ("orders", "totals"), Proof.CONFIRMED,
    )  # fmt: skip
    assert "dropped orders and totals" in found.why and found.evidence


def test_what_is_dropped_later_is_told_once_and_where_it_happened(server: SandboxServer) -> None:
    sql = block("'DROP TABLE %I', 'notes'") + "\n" + block("'DROP MATERIALIZED VIEW %I', 'totals'")
    assert [(f.line, f.objects) for f in measured(server, sql)] == [(1, ("notes",)), (2, ("totals",))]


def test_deleted_rows_warn_and_changed_ones_inform(server: SandboxServer) -> None:
    sql = block(
        "'DELETE FROM %I WHERE id = (SELECT min(id) FROM notes)', 'notes'", "'UPDATE %I SET state = $s$x$s$', 'orders'"
    )
    found = {f.objects: (f.rule, f.severity.value, f.why) for f in measured(server, sql)}
    assert found[("notes",)][:2] == ("measured-write", "warning") and "deleted 1 row of notes" in found[("notes",)][2]
    assert found[("orders",)][:2] == ("measured-write", "info") and "changed 5 rows of orders" in found[("orders",)][2]


def test_a_function_that_puts_its_sql_together_is_watched_too(server: SandboxServer) -> None:
    [found] = measured(server, "SELECT purge('notes');")
    assert (found.rule, found.objects) == ("measured-write", ("notes",))


def test_a_strong_lock_is_told_once(server: SandboxServer) -> None:
    sql = block("'ALTER TABLE %I ADD COLUMN a int', 'orders'", "'ALTER TABLE %I ADD COLUMN b int', 'orders'")
    [found] = measured(server, sql)
    assert (found.rule, found.objects) == ("measured-lock", ("orders",))
    assert "an ACCESS EXCLUSIVE lock on orders" in found.why


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TABLE notes;",  # a rule says so already
        "DO $$ BEGIN DELETE FROM notes WHERE id = 1; END $$;",  # can be read
        block("'CREATE TABLE %I (id int)', 'fresh'", "'INSERT INTO %I VALUES (1)', 'fresh'", "'DROP TABLE %I', 'fresh'"),
        block("'INSERT INTO %I VALUES (1000)', 'notes'"),
        block("'SELECT count(*) FROM %I', 'notes'"),
        "CREATE TABLE mine (id int PRIMARY KEY);\n" + block("'ALTER TABLE %I ADD COLUMN a int', 'mine'"),
    ],
)  # fmt: skip
def test_what_can_be_read_or_hurts_nobody_is_no_such_finding(server: SandboxServer, sql: str) -> None:
    assert measured(server, sql) == []
