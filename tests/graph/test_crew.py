"""The crew from end to end, without a model: what it leaves behind, how it stops, goes on, and finds the way back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from support.shop import Shop, applied_in, state_of

from agentdb.errors import RefusedError
from agentdb.graph.gate import Answer
from agentdb.graph.run import Crew, Standing, is_stale, name_for
from agentdb.tools.databases.postgres import connect
from agentdb.tools.durations import seconds
from agentdb.tools.sandbox.databases import SandboxDatabase

pytestmark = pytest.mark.slow

# What it does depends on rows that only production has: the sandbox cannot foresee it.
TWO_FACED = """\
DO $$
BEGIN
  IF (SELECT count(*) FROM orders WHERE note LIKE 'order %') > 10 THEN
    EXECUTE 'ALTER TABLE orders ADD COLUMN surprise text';
  END IF;
END
$$;
"""
LATE_FAILURE = "UPDATE orders SET note = note; DO $$ BEGIN IF EXISTS (SELECT FROM orders WHERE note = 'order 7') THEN RAISE 'no'; END IF; END $$;\n"


def answer(crew: Crew, shop: Shop, standing: Standing, word: Any = "approve") -> Standing:
    assert standing.question, standing.verdict
    yes = shop.genuine(crew, standing) if word == "approve" else ""
    return crew.answer(shop.thread, Answer(decision=word, approval=yes), standing.question["plan_sha256"])


def test_each_migration_starts_from_what_the_one_before_it_left(shop: Shop) -> None:
    shop.write("005_points", "ALTER TABLE loyalty ADD COLUMN tier text;\nCREATE INDEX ON loyalty (tier);\n")
    shop.write("006_points", "ALTER TABLE loyalty RENAME COLUMN tier TO level;\n")
    with shop.crew() as crew:
        state = crew.start(shop.thread, {}).state
    assert [m["ok"] for m in state["rehearsal"]["migrations"]] == [True] * 4
    assert len({m["fingerprint"] for m in state["rehearsal"]["migrations"]}) == 4
    assert [(r["label"], r["proven"]) for r in state["rollbacks"]] == [
        ("003_loyalty", True), ("004_phone", True), ("005_points", True), ("006_points", True),
    ]  # fmt: skip
    assert {c["migration"] for c in state["changes"]} == {"003_loyalty", "004_phone", "005_points", "006_points"}
    assert state["plan"]["plan"]["expected_fingerprint"] == state["rehearsal"]["migrations"][-1]["fingerprint"]
    assert [e["id"] for e in state["report"]["evidence"]] == [f"E-{n:04d}" for n in range(1, 10)]


def test_what_comes_after_a_failure_is_not_tried_and_said_so(shop: Shop) -> None:
    shop.write("005_typo", "ALTER TABLE nowhere ADD COLUMN x int;\n")
    shop.write("006_more", "ALTER TABLE orders ADD COLUMN y int;\n")
    with shop.crew() as crew:
        standing = crew.start(shop.thread, {"wants_apply": True})
    results = standing.state["rehearsal"]["migrations"]
    assert [m["ok"] for m in results] == [True, True, False, None]
    assert "migrations/pending/005_typo.sql:1" in results[2]["error"] and "not tried" in results[3]["error"]
    assert standing.verdict["word"] == "blocked" and standing.verdict["exit_code"] == 3
    assert standing.question is None and standing.state["plan"] == {}
    assert [r["label"] for r in standing.state["rollbacks"]] == ["003_loyalty", "004_phone"]


def test_one_file_is_seen_where_it_stands_but_not_planned_alone(shop: Shop) -> None:
    shop.write("005_tier", "ALTER TABLE loyalty ADD COLUMN tier text;\n")
    with shop.crew() as crew:
        standing = crew.start("one", {"files": ["migrations/pending/005_tier.sql"], "wants_apply": True})
    state = standing.state
    assert [m["label"] for m in state["run"]["earlier"]] == ["003_loyalty", "004_phone"]
    assert [m["label"] for m in state["rehearsal"]["migrations"]] == ["005_tier"] and state["rehearsal"]["ok"]
    assert standing.question is None and "must go before this" in standing.verdict["reasons"][-1]


def test_without_a_target_everything_but_the_plan_is_there(shop: Shop) -> None:
    shop.layout.pending.joinpath("003_loyalty.sql").rename(shop.layout.applied / "003_loyalty.sql")
    (shop.layout.applied / "001_first.sql").write_text("CREATE TABLE customers (id bigint PRIMARY KEY);\n")
    with shop.crew(target=None) as crew:
        standing = crew.start("none", {"wants_apply": True})
    assert standing.state["rehearsal"]["source"] == "migrations" and standing.state["rollbacks"][0]["proven"]
    assert standing.state["plan"] == {} and standing.question is None and standing.state["health"] == {}
    assert standing.verdict["do"] == ["Name a target to plan for: --target NAME."]


def test_a_rollback_that_a_person_wrote_is_proven_and_never_overwritten(shop: Shop) -> None:
    (shop.layout.pending / "003_loyalty.sql").unlink()
    shop.write("005_fax", "ALTER TABLE customers ADD COLUMN fax text;\n")
    mine = "-- by hand\nALTER TABLE customers DROP fax;\n"
    (shop.layout.rollback / "005_fax.sql").write_text(mine)
    (shop.layout.rollback / "004_phone.sql").write_text("SELECT 1;\n")
    with shop.crew() as crew:
        state = crew.start(shop.thread, {}).state
        second, first = state["rollbacks"]
        assert (first["written_by"], first["proven"], first["class"]) == ("a person", True, "LOSSLESS")
        assert (shop.layout.rollback / "005_fax.sql").read_text() == mine
        (shop.layout.pending / "005_fax.sql").unlink()
        assert (second["written_by"], second["class"]) == ("a person", "IMPOSSIBLE")
        assert "phone is left over" in state["verdict"]["reasons"][0]
        assert state["verdict"]["word"] == "blocked" and state["verdict"]["exit_code"] == 3
        (shop.layout.rollback / "004_phone.sql").unlink()
        (shop.layout.rollback / "005_fax.sql").unlink()
        state = crew.start(shop.thread, {}).state
        drafted = (shop.layout.rollback / "004_phone.sql").read_text()
        assert state["rollbacks"][0]["written_by"] == "agentdb" and drafted.startswith("-- Rollback of 004_phone")
        shop.write("004_phone", "ALTER TABLE customers ADD COLUMN telephone text;\n")
        state = crew.start(shop.thread, {}).state
        again = (shop.layout.rollback / "004_phone.sql").read_text()
        assert "telephone" in again and state["verdict"]["word"] == "needs approval", "its own draft follows the file"
        (shop.layout.rollback / "004_phone.sql").write_text(again + "-- and a word of mine\n")
        shop.write("004_phone", "ALTER TABLE customers ADD COLUMN mobile text;\n")
        state = crew.start(shop.thread, {}).state
        assert state["rollbacks"][0]["written_by"] == "a person" and state["rollbacks"][0]["class"] == "IMPOSSIBLE"
        assert (shop.layout.rollback / "004_phone.sql").read_text() == again + "-- and a word of mine\n"
        shop.write(
            "004_phone",
            "-- reversible: no, the numbers go to another system\nALTER TABLE customers ADD COLUMN mobile text;\n",
        )
        assert crew.start(shop.thread, {}).state["verdict"]["word"] == "needs approval", "said by the migration itself"


def test_a_run_that_is_stopped_goes_on_where_it_was(shop: Shop) -> None:
    def stop(event: Mapping[str, Any]) -> None:
        if event["phase"] == "rollback":
            raise KeyboardInterrupt

    with shop.crew() as crew:
        with pytest.raises(KeyboardInterrupt):
            crew.start(shop.thread, {"wants_apply": True}, stop)
        standing = crew.standing(shop.thread)
        assert standing.unfinished and standing.question is None and not is_stale(standing, shop.layout)
    heard: list[str] = []
    with shop.crew() as crew:  # as another process would
        done = crew.go_on(shop.thread, lambda event: heard.append(event["phase"]))
        assert done.question and "sandbox" not in heard and "document" in heard
        with pytest.raises(RefusedError) as refused:
            crew.go_on(shop.thread)
        assert refused.value.reason == "nothing-to-do"
        assert crew.start(shop.thread, {"wants_apply": True}).state["plan"] == done.state["plan"]


def test_a_process_that_dies_after_the_last_statement_leaves_a_thread_that_tells_the_truth(
    shop: Shop, production: SandboxDatabase
) -> None:
    """The apply is done and its checkpoint is not: the thread goes on at the apply, with the approval used up."""
    with shop.crew() as crew:
        waiting = crew.start(shop.thread, {"wants_apply": True})
        yes = shop.genuine(crew, waiting)
        given = {"decision": {"decision": "approve", "approval": yes, "reason": ""}}
        config: Any = {"configurable": {"thread_id": shop.thread}}
        crew.graph.update_state(config, given, as_node="gate")
        before = crew.graph.get_state(config).config
        done = crew.go_on(shop.thread)
        assert done.state["applied"]["ok"] and not done.state["applied"]["notes"]
        crew.graph.update_state(before, given, as_node="gate")  # as if the apply had never been stored
        assert crew.standing(shop.thread).unfinished
    after = state_of(production.dsn)
    with shop.crew() as crew:
        again = crew.go_on(shop.thread)
    assert again.state["applied"]["ok"] and "carried out before" in again.state["applied"]["notes"][0]
    assert again.state["verified"]["ok"]
    assert state_of(production.dsn) == after and applied_in(production.dsn) == ["003_loyalty", "004_phone"]


def test_a_target_that_is_not_what_was_rehearsed_is_offered_the_way_back(
    shop: Shop, production: SandboxDatabase
) -> None:
    shop.write("005_two_faced", TWO_FACED)
    (shop.layout.rollback / "005_two_faced.sql").write_text("ALTER TABLE orders DROP COLUMN IF EXISTS surprise;\n")
    before = state_of(production.dsn)
    with shop.crew() as crew:
        waiting = answer(crew, shop, crew.start(shop.thread, {"wants_apply": True}))
        assert waiting.state["applied"]["reason"] == "not-verified"
        assert [d["label"] for d in waiting.state["applied"]["done"]] == ["003_loyalty", "004_phone", "005_two_faced"]
        question = waiting.question
        assert question and question["kind"] == "rollback"
        assert [w["label"] for w in question["work"]] == ["005_two_faced", "004_phone", "003_loyalty"]
        assert "DROP COLUMN IF EXISTS surprise" in question["work"][0]["sql"]
        back = answer(crew, shop, waiting)
    assert back.state["rolled_back"]["ok"] and back.state["rolled_back"]["verified"]
    assert applied_in(production.dsn) == []
    after = state_of(production.dsn)
    assert after["fingerprint"] == before["fingerprint"]
    assert {k: v for k, v in after["rows"].items() if "agentdb" not in k} == before["rows"]
    page = (shop.root / back.state["incident"]["file"]).read_text()
    assert page.startswith("# Incident: pending on prod") and "The schema is what it was before." in page


def test_a_migration_that_fails_on_the_target_leaves_the_others_and_offers_the_way_back(
    shop: Shop, production: SandboxDatabase
) -> None:
    shop.write("005_late", LATE_FAILURE)
    with shop.crew() as crew:
        waiting = answer(crew, shop, crew.start(shop.thread, {"wants_apply": True}))
        assert waiting.state["applied"]["reason"] == "failed"
        assert applied_in(production.dsn) == ["003_loyalty", "004_phone"]
        assert waiting.question and [w["label"] for w in waiting.question["work"]] == ["004_phone", "003_loyalty"]
        left = answer(crew, shop, waiting, "reject")
    assert left.state["rolled_back"] == {} and "declined" in "\n".join(left.state["incident"]["lines"])
    assert applied_in(production.dsn) == ["003_loyalty", "004_phone"]


def test_state_is_plain_json_and_holds_no_connection_string(shop: Shop) -> None:
    with shop.crew() as crew:
        state = crew.start(shop.thread, {"wants_apply": True}).state
    assert json.loads(json.dumps(state)) == state
    with connect(shop.dsn):
        assert shop.dsn.reveal() not in json.dumps(state)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], "pending"),
        (["migrations/pending/007_a.sql"], "007_a"),
        (["b/009_c.sql", "a/007_a.sql", "a/008_b.sql"], "007_a-to-009_c"),
    ],
)
def test_a_run_is_called_by_its_files(names: list[str], expected: str) -> None:
    from pathlib import Path

    assert name_for([Path(n) for n in names]) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("500ms", 0.5), ("60s", 60), ("5min", 300), ("1h", 3600), ("250", 0.25)]
)
def test_durations_are_read_as_postgresql_writes_them(text: str, expected: float) -> None:
    assert seconds(text) == expected
