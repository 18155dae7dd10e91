"""Secrets stay where they are: in the environment. Not in prompts, threads, reports, logs, progress or errors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from support.recorder import Recorder
from support.shop import SETTINGS, Shop
from support.stub import serving

from agentdb.agents.claims import Claim
from agentdb.agents.model import Model
from agentdb.config import ModelSettings
from agentdb.graph import looking
from agentdb.graph.chat import ask
from agentdb.graph.gate import Answer
from agentdb.tools.databases.dsn import Dsn
from agentdb.tools.sandbox.databases import SandboxDatabase

PASSWORD, KEY, ROW, LITERAL = "canary-hunter2", "sk-canary-key-9f", "canary-row-7731", "canary-literal-5512"

MIGRATIONS = {
    "003_users": f"""\
CREATE TABLE staff (name text PRIMARY KEY);
INSERT INTO staff VALUES ('{LITERAL}');
CREATE ROLE reporting_canary PASSWORD '{LITERAL}';
DROP ROLE reporting_canary;
""",
    "004_note": "ALTER TABLE orders ADD COLUMN paid boolean;\n",
}


@pytest.fixture
def guarded(tmp_path: Path, production: SandboxDatabase) -> Shop:
    """A shop whose connection string has a password, with a row that nobody else may see."""
    with production.connect() as conn:
        conn.execute("INSERT INTO customers (email) VALUES (%s)", (ROW,))
    relay = Recorder(production.dsn).dsn.reveal()
    settings = SETTINGS + '\n[hazards]\nfail_on = "never"\n'
    return Shop.make(tmp_path / "shop", Dsn(f"{relay} password={PASSWORD}"), MIGRATIONS, settings)


def everything_on_disk(shop: Shop) -> Mapping[str, bytes]:
    return {p.relative_to(shop.root).as_posix(): p.read_bytes() for p in shop.root.rglob("*") if p.is_file()}


def test_no_secret_is_sent_stored_or_shown(guarded: Shop) -> None:
    events: list[Any] = []
    with serving("scripted") as stub:
        model = Model("stub", stub.url, ModelSettings(timeout_seconds=60), _key=KEY)
        with guarded.crew(model=model) as crew:
            standing = crew.start(guarded.thread, {"wants_apply": True}, events.append)
            assert standing.question, standing.verdict
            state = standing.state

            def statements(migration: str) -> str:
                """The statements of a migration. migration: its number."""
                return looking.statements(state, migration)

            shown: list[Claim] = []
            ask(
                model, "review", looking.brief(state), [statements], (), "what do the statements of 003 say?",
                ids=looking.ids_of(state), words=looking.words_of(state), on_claim=shown.append,
            )  # fmt: skip
            yes = guarded.genuine(crew, standing)
            done = crew.answer(
                guarded.thread,
                Answer(decision="approve", approval=yes),
                standing.question["plan_sha256"],
                events.append,
            )
            assert done.state["applied"]["ok"]
    assert len(stub.requests) >= 6 and "staff" in stub.received
    for secret in (PASSWORD, ROW, LITERAL, KEY):
        assert secret not in stub.received, f"{secret} was sent"
    disk = everything_on_disk(guarded)
    assert any(name.endswith("state.db") for name in disk) and any("reports/" in name for name in disk)
    for secret in (PASSWORD, ROW, KEY):
        assert [name for name, data in disk.items() if secret.encode() in data] == []
        assert secret not in repr(events) + repr(done.state) + repr(standing)
    with_literal = {name.split("/")[0] for name, data in disk.items() if LITERAL.encode() in data}
    assert with_literal <= {"migrations", ".agentdb"}, (
        "the SQL itself is nobody's secret, but no report repeats its rows"
    )


def test_no_secret_is_in_an_error(guarded: Shop, tmp_path: Path) -> None:
    nowhere = Shop(guarded.root, Dsn(f"postgresql://ada:{PASSWORD}@127.0.0.1:1/shop"))
    with nowhere.crew() as crew:
        standing = crew.start("nowhere", {"wants_apply": True})
    assert standing.verdict["word"] == "blocked" and standing.verdict["exit_code"] == 3
    assert "127.0.0.1:1/shop" in standing.verdict["reasons"][0]
    assert PASSWORD not in repr(standing)
    assert [n for n, d in everything_on_disk(guarded).items() if PASSWORD.encode() in d] == []


def test_a_row_in_the_targets_error_goes_no_further_than_the_person(guarded: Shop) -> None:
    """A unique index over rows that are doubled in production only: the server's detail names the row."""
    guarded.write("005_unique", "CREATE UNIQUE INDEX one_customer_one_order ON orders (customer_id);\n")
    with guarded.crew() as crew:
        standing = crew.start(guarded.thread, {"wants_apply": True})
        assert standing.question, standing.verdict
        yes = guarded.genuine(crew, standing)
    from agentdb.tools.databases.postgres import connect

    with connect(guarded.dsn) as conn:
        conn.execute("INSERT INTO orders (customer_id, note) VALUES (1, %s)", (ROW,))
    events: list[Any] = []
    with guarded.crew() as crew:
        sha = standing.question["plan_sha256"]
        done = crew.answer(guarded.thread, Answer(decision="approve", approval=yes), sha, events.append)
    applied = done.state["applied"]
    assert applied["ok"] is False and applied["reason"] == "failed"
    assert ROW not in repr(done.state) + repr(events)
    assert [n for n, d in everything_on_disk(guarded).items() if ROW.encode() in d] == []
    assert done.question is not None and done.question["kind"] == "rollback", (
        "003 and 004 went in and can be taken back"
    )
    with guarded.crew() as crew:
        back = crew.answer(guarded.thread, Answer(decision="reject"), done.question["plan_sha256"])
    assert "declined" in "\n".join(back.state["incident"]["lines"])
