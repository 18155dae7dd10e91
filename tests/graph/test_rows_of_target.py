"""The crew counts the target's rows where it may, and prepares the application's queries where they are known."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.shop import SETTINGS, Shop

pytestmark = pytest.mark.slow


def test_rows_that_break_a_migration_block_the_run_when_they_may_be_counted(shop: Shop) -> None:
    shop.write("005_unique", "ALTER TABLE orders ADD CONSTRAINT few CHECK (customer_id < 10);\n")
    with shop.crew() as crew:
        asleep = crew.start("unasked", {}).state
    assert not [e for e in asleep["report"]["evidence"] if e["kind"] == "precondition"]
    settings = shop.target.settings.model_copy(update={"data_checks": True})
    with shop.crew(target=replace(shop.target, settings=settings)) as crew:
        state = crew.start("asked", {}).state
    [found] = [f for f in state["findings"] if f["rule"] == "violated-precondition"]
    assert (found["severity"], found["proof"], found["evidence"]) == ("error", "CONFIRMED", ["P-0001"])
    assert "rows of public.orders that break customer_id < 10: 11" in found["why"]
    assert state["verdict"]["word"] == "blocked"
    [evidence] = [e for e in state["report"]["evidence"] if e["kind"] == "precondition"]
    assert evidence["result"]["count"] == 11


def test_queries_that_a_migration_breaks_block_the_run(shop: Shop) -> None:
    shop.write("005_drop", "ALTER TABLE orders DROP COLUMN note;\n")
    (shop.root / "queries").mkdir()
    (shop.root / "queries/notes.sql").write_text("SELECT note FROM orders WHERE note <> 'secret';\n")
    (shop.root / "agentdb.toml").write_text(SETTINGS + '[hazards]\nqueries = "queries"\n')
    with shop.crew() as crew:
        state = crew.start("queries", {}).state
    [found] = [f for f in state["findings"] if f["rule"] == "breaking-query"]
    assert (found["path"], found["severity"], found["proof"]) == (
        "migrations/pending/005_drop.sql",
        "error",
        "CONFIRMED",
    )
    assert "queries/notes.sql:1" in found["why"]
    [evidence] = [e for e in state["report"]["evidence"] if e["kind"] == "query"]
    assert "secret" not in evidence["command"]
