"""kill -9 at every point of an apply: status tells the truth, and resuming or rolling back reaches a clean state."""

from __future__ import annotations

from typing import Any

import pytest

from agentdb.errors import RefusedError
from agentdb.tools.ledger.apply import apply
from agentdb.tools.ledger.status import State

NOTHING = "nothing of it is in the database"
DONE = "approved by ada@example.org"

# point -> (state of 001, words of its line, is its table there, state of 002)
TOGETHER_POINTS: dict[str, tuple[State, str, bool, State]] = {
    "cleared": (State.PENDING, "not applied here", False, State.PENDING),
    "opening": (State.PENDING, "not applied here", False, State.PENDING),
    "begun-001_split": (State.INTERRUPTED, NOTHING, False, State.PENDING),
    "captured": (State.INTERRUPTED, NOTHING, False, State.PENDING),
    "before-commit": (State.INTERRUPTED, NOTHING, False, State.PENDING),
    "committed-001_split": (State.APPLIED, DONE, True, State.PENDING),
    "moved-001_split": (State.APPLIED, DONE, True, State.PENDING),
    "begun-002_more": (State.APPLIED, DONE, True, State.INTERRUPTED),
    "committed-002_more": (State.APPLIED, DONE, True, State.APPLIED),
}


@pytest.mark.parametrize("point", TOGETHER_POINTS)
def test_a_transaction_killed_anywhere(together: Any, point: str) -> None:
    state, words, there, second = TOGETHER_POINTS[point]
    approval = together.kill(together.approve(), point)
    found = together.truth()
    assert (found["001_split"].state, found["002_more"].state) == (state, second)
    assert words in found["001_split"].line
    assert bool(together.ask("SELECT to_regclass('added') IS NOT NULL")) is there
    together.go_on(approval)
    together.assert_all_applied(["001", "002"])
    assert together.ask("SELECT note FROM agentdb_archive.kept") == "one"


# point -> (state, statements done, words of the line)
APART_POINTS: dict[str, tuple[State, int, str]] = {
    "begun-001_apart": (State.INTERRUPTED, 0, f"before its first statement; {NOTHING}"),
    "captured": (State.INTERRUPTED, 0, "interrupted before statement 1 of 4"),
    "done-0": (State.INTERRUPTED, 1, "interrupted before statement 2 of 4"),
    "under-way-1": (State.INTERRUPTED, 1, "at statement 2 of 4, CREATE INDEX: index t_id is not there"),
    "ran-1": (State.INTERRUPTED, 1, "at statement 2 of 4, CREATE INDEX: index t_id is there and valid"),
    "before-commit-2": (State.INTERRUPTED, 2, "interrupted before statement 3 of 4"),
    "before-statement-3": (State.INTERRUPTED, 3, "interrupted before statement 4 of 4"),
    "under-way-3": (State.INTERRUPTED, 3, "at statement 4 of 4, DROP INDEX: t_old is still there"),
    "ran-3": (State.INTERRUPTED, 3, "at statement 4 of 4, DROP INDEX: t_old is gone"),
    "before-commit": (State.INTERRUPTED, 4, "all its 4 statements were done"),
    "committed-001_apart": (State.APPLIED, 4, DONE),
}


@pytest.mark.parametrize("point", APART_POINTS)
def test_statements_killed_anywhere_are_resumed(apart: Any, point: str) -> None:
    state, done, words = APART_POINTS[point]
    approval = apart.kill(apart.approve(), point)
    found = apart.truth()["001_apart"]
    assert (found.state, found.statements_done) == (state, done)
    assert words in found.line
    apart.go_on(approval)
    apart.assert_all_applied(["001"])
    assert apart.ask("SELECT to_regclass('t_id') IS NOT NULL AND to_regclass('t_old') IS NULL")


def test_a_statement_that_ran_and_was_edited_cannot_be_resumed(apart: Any) -> None:
    apart.kill(apart.approve(), "before-statement-2")
    path = apart.layout.pending / "001_apart.sql"
    text = path.read_text()
    path.write_text(text.replace("CREATE TABLE added (id int)", "CREATE TABLE added (id bigint)"))
    with pytest.raises(RefusedError) as caught:
        apart.plan()
    assert caught.value.reason == "changed-file"
    path.write_text(text.replace("INSERT INTO ran VALUES ('001')", "INSERT INTO ran VALUES ('edited')"))
    made = apart.plan()
    assert (made.migrations[0].resume_from, made.resumes) == (2, True)
    with pytest.raises(RefusedError) as caught:
        apply(apart.request(apart.approve(made)))
    assert caught.value.reason == "interrupted"
    apply(apart.request(apart.approve(made), resume=True))
    apart.assert_all_applied(["edited"])


def test_nothing_else_is_applied_while_something_is_half_done(apart: Any) -> None:
    apart.kill(apart.approve(), "before-statement-2")
    apart.write("002_other", "CREATE TABLE other (id int);\n")
    with pytest.raises(RefusedError) as caught:
        apart.apply("002_other")
    assert caught.value.reason == "interrupted"


def test_a_schema_changed_by_others_after_the_crash_needs_a_fresh_approval(apart: Any) -> None:
    approval = apart.kill(apart.approve(), "before-statement-2")
    apart.do("CREATE TABLE sneaked_in (id int)")
    with pytest.raises(RefusedError) as caught:
        apply(apart.request(approval, resume=True))
    assert caught.value.reason == "drifted"
    apply(apart.request(apart.approve(), resume=True))
    apart.assert_all_applied(["001"])


def test_a_statement_that_the_catalog_cannot_judge_needs_a_persons_word(apart: Any) -> None:
    (apart.layout.pending / "001_apart.sql").unlink()
    apart.do("CREATE PROCEDURE note() LANGUAGE sql AS $$INSERT INTO ran VALUES ('called')$$")
    apart.write("001_call", "-- agentdb: no-transaction\nCALL note();\nCREATE TABLE added (id int);\n")
    approval = apart.kill(apart.approve(), "ran-0")
    assert "the catalog cannot tell" in apart.truth()["001_call"].line
    with pytest.raises(RefusedError) as caught:
        apply(apart.request(approval, resume=True))
    assert caught.value.reason == "unclear"
    apply(apart.request(approval, resume=True, under_way="done"))
    apart.assert_all_applied(["called"])
