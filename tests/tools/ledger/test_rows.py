"""Rows that a statement would refuse stop an apply before it begins, when rows may be counted; else nothing is asked."""

from __future__ import annotations

from typing import Any

import pytest

from agentdb.errors import RefusedError, StatementError

LOOK = {"data_checks": True}


@pytest.fixture
def notes(project: Any) -> Any:
    project.do("CREATE TABLE notes (id int, body text)")
    project.do("INSERT INTO notes VALUES (1, 'a'), (2, NULL), (3, NULL)")
    return project


def test_violating_rows_refuse_before_anything_runs(notes: Any) -> None:
    notes.write("001_first", "CREATE TABLE first (id int);\n")
    notes.write("002_set", "CREATE TABLE second (id int);\nALTER TABLE notes ALTER body SET NOT NULL;\n")
    with pytest.raises(RefusedError) as caught:
        notes.apply(**LOOK)
    refusal = caught.value
    assert (refusal.reason, refusal.exit_code) == ("precondition-violated", 4)
    assert refusal.what == (
        "the target has rows that a statement does not accept: rows of public.notes with NULL in body: 2"
    )
    assert refusal.where.endswith("002_set.sql:2")
    assert notes.ask("SELECT to_regclass('first') IS NULL AND to_regclass('agentdb.history') IS NULL")


def test_a_dry_run_refuses_too(notes: Any) -> None:
    notes.write("001_set", "ALTER TABLE notes ALTER body SET NOT NULL;\n")
    with pytest.raises(RefusedError, match="NULL in body: 2"):
        notes.apply(dry_run=True, **LOOK)


def test_the_same_approval_holds_once_the_rows_are_mended(notes: Any) -> None:
    """The plan says nothing of rows: what the approver signed is carried out as soon as they suit it."""
    from agentdb.tools.ledger.apply import apply

    notes.write("001_set", "ALTER TABLE notes ALTER body SET NOT NULL;\n")
    approval = notes.approve()
    with pytest.raises(RefusedError):
        apply(notes.request(approval, **LOOK))
    notes.do("UPDATE notes SET body = '' WHERE body IS NULL")
    done = apply(notes.request(approval, **LOOK))
    assert [d.status for d in done.done] == ["applied"] and done.notes == ()


def test_what_the_plan_mends_itself_is_told_and_applied(notes: Any) -> None:
    notes.write(
        "001_mend", "UPDATE notes SET body = '' WHERE body IS NULL;\nALTER TABLE notes ALTER body SET NOT NULL;\n"
    )
    done = notes.apply(**LOOK)
    [note] = done.notes
    assert "001_mend.sql:2: no row of public.notes has NULL in body: not known, an earlier statement changes it" in note


def test_without_leave_nothing_is_asked(notes: Any) -> None:
    notes.write("001_set", "ALTER TABLE notes ALTER body SET NOT NULL;\n")
    with pytest.raises(StatementError):
        notes.apply()


def test_a_resumed_run_does_not_ask_what_is_done(notes: Any) -> None:
    """The first statement has run: what it asked of the rows of before is over."""
    notes.write(
        "001_apart",
        "-- agentdb: no-transaction\nALTER TABLE notes ADD COLUMN n int;\nALTER TABLE notes ALTER id SET NOT NULL;\n"
        "ALTER TABLE notes ALTER body SET NOT NULL;\n",
    )
    approval = notes.approve()
    from agentdb.tools.ledger.apply import apply

    with pytest.raises(StatementError):
        apply(notes.request(approval))
    with pytest.raises(RefusedError, match="NULL in body: 2"):
        apply(notes.request(approval, resume=True, **LOOK))
    notes.do("UPDATE notes SET body = '' WHERE body IS NULL")
    assert apply(notes.request(approval, resume=True, **LOOK)).done[0].status == "applied"
