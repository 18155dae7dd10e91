"""Every rule that speaks of locks, rewrites, scans, builds or failures is proven on the real server: its bad example
shows the effect, its good example does not."""

from __future__ import annotations

import pytest

from agentdb.tools.hazards.context import Context
from agentdb.tools.hazards.reconcile import failed_on_data, reconcile
from agentdb.tools.hazards.registry import Category, Effect, Rule, rules
from agentdb.tools.hazards.run import check
from agentdb.tools.records import Finding, Proof
from agentdb.tools.sandbox.run import evidence, run_script
from agentdb.tools.sandbox.runs import SandboxRun
from agentdb.tools.sandbox.seed import seed
from agentdb.tools.sandbox.server import SandboxServer
from agentdb.tools.sql.parse import parse

pytestmark = pytest.mark.slow

SHOWN = (Effect.REWRITE, Effect.SCAN, Effect.BUILD, Effect.LOCK, Effect.FAILS)
# The sandbox runs what may not stand in a transaction outside of one, so nothing fails there; and what the oldest
# or newest grammar refuses, the sandbox's version may take.
ELSEWHERE = {"ban-in-transaction"}
PROVEN = [
    pytest.param(r, id=r.id) for r in rules() if r.bad and r.effect in SHOWN and r.category is not Category.UNKNOWN
]


def ran(server: SandboxServer, rule: Rule, sql: str, *, rows: int) -> SandboxRun:
    with server.create() as database:
        with database.connect() as connection:
            if rule.setup:
                connection.execute(rule.setup.encode())
            seed(connection, rows=rows)
        return run_script(database, sql, no_transaction=not rule.wrapped)


def settled(server: SandboxServer, rule: Rule, sql: str) -> tuple[Finding, ...]:
    """The findings of an example, settled by running it on the rule's schema with rows."""
    context = Context(
        in_transaction=rule.wrapped,
        setup=(parse(rule.setup),) if rule.setup else (),
        schema_complete=True,
        lock_timeout_set=True,
        enabled=(rule.id,),
    )
    run = ran(server, rule, sql, rows=5)
    if failed_on_data(run):  # made-up rows do not fit the example; what it does shows without them
        run = ran(server, rule, sql, rows=0)
    return reconcile(check(parse(sql), context=context), run, evidence(run), context=context)


@pytest.mark.parametrize("rule", PROVEN)
def test_the_server_shows_what_the_rule_says(server: SandboxServer, rule: Rule) -> None:
    bad = settled(server, rule, rule.bad)
    mine = [f for f in bad if f.rule == rule.id]
    assert mine, "not raised"
    if rule.id in ELSEWHERE:
        assert {f.proof for f in mine} == {Proof.UNKNOWN}
        return
    assert {f.proof for f in mine} == {Proof.CONFIRMED}
    assert all(f.evidence for f in mine) or rule.id == "syntax-error"
    assert [f.rule for f in bad if f.rule.startswith(("measured-", "failing-"))] == []


@pytest.mark.parametrize("rule", PROVEN)
def test_the_server_shows_nothing_of_it_in_the_good_example(server: SandboxServer, rule: Rule) -> None:
    good = settled(server, rule, rule.good)
    assert [(f.rule, f.why) for f in good] == []


def test_a_statement_outside_of_a_transaction_is_refused_inside_one(server: SandboxServer) -> None:
    import psycopg

    rule = next(r for r in rules() if r.id == "ban-in-transaction")
    with server.create() as database, database.connect() as connection:
        connection.execute(rule.setup.encode())
        with pytest.raises(psycopg.errors.ActiveSqlTransaction), connection.transaction():
            connection.execute(rule.bad.encode())


def test_versions_of_the_record_are_kept() -> None:
    assert rules()[0]._replace(since=14, until=16).versions == "PostgreSQL 14 to 16"
