"""The crew says how long each lock would be held on the target, and what it says is in no digest."""

from __future__ import annotations

import json
import re

import pytest
from support.shop import Shop

from agentdb.graph import looking
from agentdb.tools.databases.postgres import connect
from agentdb.tools.report import record
from agentdb.tools.report.markdown import markdown

pytestmark = pytest.mark.slow

CHECKED = "ALTER TABLE orders ADD CONSTRAINT positive CHECK (customer_id > 0);\n"


def grow(shop: Shop, rows: int) -> None:
    with connect(shop.target.dsn) as production:
        production.execute(
            f"INSERT INTO customers (email) SELECT 'many' || i FROM generate_series(1, {rows}) i".encode()
        )
        production.execute(
            f"INSERT INTO orders (customer_id, note) SELECT 1, repeat('n', 300) FROM generate_series(1, {rows})".encode()
        )
        production.execute(b"ANALYZE orders")


def test_a_lock_that_lasts_is_told_as_a_range_beside_the_finding(shop: Shop) -> None:
    grow(shop, 30_000)
    shop.write("005_some", CHECKED)
    with shop.crew() as crew:
        state = crew.start("locks", {}).state
        again = crew.start("again", {}).state
    [entry] = [e for e in state["locks"] if e["label"] == "005_some"]
    assert (entry["line"], entry["relation"], entry["mode"]) == (1, "public.orders", "ACCESS EXCLUSIVE")
    low, high = entry["seconds"]
    assert 0 < low < high < 600
    assert "30 k rows" in entry["sentence"]
    [finding] = [f for f in state["findings"] if f["rule"] == "adding-check"]
    assert f"  target    {entry['sentence']}" in looking.finding(state, finding["id"]).splitlines()
    assert "On the target it holds" not in json.dumps(state["report"])
    assert "On the target it holds" in json.dumps(record.with_times(state["report"], state))
    facts = [{**record.facts_of(s), "name": ""} for s in (state, again)]
    assert facts[0] == facts[1], "what is timed anew is in no digest"


def test_a_table_that_was_never_analysed_is_unknown_and_says_what_to_do(shop: Shop) -> None:
    with connect(shop.target.dsn) as production:
        production.execute(b"CREATE TABLE fresh (id bigint PRIMARY KEY, n int) WITH (autovacuum_enabled = off)")
        production.execute(b"INSERT INTO fresh SELECT i, i FROM generate_series(1, 5000) i")
    shop.write("005_fresh", "ALTER TABLE fresh ADD CONSTRAINT positive CHECK (n > 0);\n")
    with shop.crew() as crew:
        state = crew.start("fresh", {}).state
    [entry] = [e for e in state["locks"] if e["label"] == "005_fresh"]
    assert entry["seconds"] is None
    assert re.search(r"UNKNOWN.*never analysed.*ANALYZE", entry["sentence"])


def test_without_a_target_nothing_is_reckoned(shop: Shop) -> None:
    shop.layout.pending.joinpath("003_loyalty.sql").rename(shop.layout.applied / "003_loyalty.sql")
    (shop.layout.applied / "001_first.sql").write_text("CREATE TABLE customers (id bigint PRIMARY KEY);\n")
    with shop.crew(target=None) as crew:
        state = crew.start("none", {}).state
    assert state["locks"] == [] and "## Locks" not in markdown(state["report"])
