"""Rolling back what a killed apply left, and a rollback that is killed itself."""

from __future__ import annotations

from typing import Any

import pytest

from agentdb.errors import RefusedError
from agentdb.tools.ledger.apply import roll_back
from agentdb.tools.ledger.status import State

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("point", ["captured", "under-way-1", "ran-1", "before-statement-3", "before-commit"])
def test_statements_killed_anywhere_are_rolled_back(apart: Any, point: str) -> None:
    before = apart.plan_fingerprint()
    apart.kill(apart.approve(), point)
    assert apart.roll_back("001_apart").verification.ok
    assert apart.plan_fingerprint() == before
    assert apart.truth()["001_apart"].state is State.PENDING
    assert [(r.kind, r.status, r.dirty) for r in apart.runs()] == [
        ("apply", "rolled_back", False),
        ("rollback", "rolled_back", False),
    ]


@pytest.mark.parametrize("point", ["under-way-0", "ran-0", "before-commit-1", "done-2", "before-commit"])
def test_a_rollback_killed_anywhere_is_resumed(apart: Any, point: str) -> None:
    before = apart.plan_fingerprint()
    apart.apply()
    approval = apart.kill(apart.approve(apart.plan("001_apart", kind="rollback")), point, "rollback")
    found = apart.truth()["001_apart"]
    assert (found.state, found.work) == (State.INTERRUPTED, "rollback")
    apart.go_on(approval, "rollback")
    assert apart.truth()["001_apart"].state is State.PENDING
    assert apart.plan_fingerprint() == before
    assert apart.where("001_apart") == "pending"


@pytest.mark.parametrize("point", ["begun-002_more", "before-commit"])
def test_a_rollback_killed_before_its_commit_has_done_nothing(together: Any, point: str) -> None:
    together.apply()
    approval = together.kill(together.approve(together.plan("002_more", kind="rollback")), point, "rollback")
    assert together.ask("SELECT to_regclass('more') IS NOT NULL")
    found = together.truth()["002_more"]
    assert (found.state, found.work) == (State.INTERRUPTED, "rollback")
    assert "nothing of it is in the database" in found.line
    roll_back(together.request(approval, resume=True))
    assert together.ask("SELECT to_regclass('more') IS NULL")


def test_a_rollback_brings_back_what_was_there_before(together: Any) -> None:
    before = together.plan_fingerprint()
    together.apply()
    both = together.plan("001_split", "002_more", kind="rollback")
    assert both.labels == ("002_more", "001_split")
    result = roll_back(together.request(together.approve(both)))
    # the column that was dropped and added again would stand last; here it did before as well
    assert result.verification.ok and together.plan_fingerprint() == before
    assert {m.state for m in together.truth().values()} == {State.PENDING}
    assert together.where("001_split") == "pending"
    together.apply()
    assert [r.status for r in together.runs() if r.kind == "apply"] == ["rolled_back"] * 2 + ["applied"] * 2


def test_columns_in_another_order_are_reported_and_not_called_a_failure(project: Any) -> None:
    project.do("CREATE TABLE t (a int, b int)")
    project.write("001_drop", "ALTER TABLE t DROP COLUMN a;\n", "ALTER TABLE t ADD COLUMN a int;\n")
    project.apply()
    verification = project.roll_back("001_drop").verification
    assert verification.ok and "another order" in verification.differences[0]


def test_a_rollback_that_does_not_bring_the_schema_back_is_told(project: Any) -> None:
    from agentdb.errors import VerificationError

    project.write("001_two", "CREATE TABLE a (id int);\nCREATE TABLE b (id int);\n", "DROP TABLE a;\n")
    project.apply()
    with pytest.raises(VerificationError) as caught:
        project.roll_back("001_two")
    assert caught.value.exit_code == 5
    assert "not what it was before" in caught.value.what


@pytest.mark.parametrize(("label", "reason"), [("001_kept", "no-rollback"), ("002_new", "not-applied")])
def test_what_cannot_be_taken_back_gets_no_plan(project: Any, label: str, reason: str) -> None:
    project.write("001_kept", "CREATE TABLE a (id int);\n")
    project.apply()
    project.write("002_new", "CREATE TABLE b (id int);\n", "DROP TABLE b;\n")
    with pytest.raises(RefusedError) as caught:
        project.plan(label, kind="rollback")
    assert caught.value.reason == reason


def test_a_rollback_out_of_order_is_said_to_be_one(together: Any) -> None:
    together.apply()
    made = together.plan("001_split", kind="rollback")
    assert made.migrations[0].out_of_order
    verification = roll_back(together.request(together.approve(made))).verification
    assert verification.ok is None and "later migrations stay" in verification.differences[0]
