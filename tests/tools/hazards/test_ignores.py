"""Ignore comments: what they silence, and what is said of those that are of no use."""

from __future__ import annotations

from datetime import date

import pytest

from agentdb.tools.hazards.context import Context
from agentdb.tools.hazards.run import check
from agentdb.tools.records import Finding
from agentdb.tools.sql.parse import parse

TODAY = date(2026, 6, 1)


def findings(sql: str) -> list[Finding]:
    context = Context(in_transaction=False, lock_timeout_set=True, today=TODAY)
    return list(check(parse(sql), path="x.sql", context=context))


def told(sql: str) -> list[tuple[int, str, str]]:
    return [(f.line, f.rule, f.ignored) for f in findings(sql)]


@pytest.mark.parametrize(
    "sql",
    [
        "-- agentdb: ignore ban-drop-table archived in March\nDROP TABLE a;",
        "-- agentdb:ignore BAN-DROP-TABLE archived in March\nDROP TABLE a;",
        "/* agentdb: ignore ban-drop-table archived in March */ DROP TABLE a;",
        "SELECT 1;\n-- agentdb: ignore ban-drop-table archived in March\n-- and more\nDROP TABLE a;",
        "DROP TABLE a; -- agentdb: ignore ban-drop-table archived in March",
        "DROP TABLE -- agentdb: ignore ban-drop-table archived in March\n a;",
        "-- agentdb: ignore ban-drop-table archived in March (until 2026-06-01)\nDROP TABLE a;",
        "-- agentdb: ignore ban-drop-table archived in March until 2027-01-01\nDROP TABLE a;",
        "-- agentdb: ignore ban-drop-table - archived in March\nDROP TABLE a;",
    ],
)
def test_an_ignore_with_a_reason_silences_its_statement(sql: str) -> None:
    [(_, rule, reason)] = told(sql)
    assert (rule, reason) == ("ban-drop-table", "archived in March")


def test_an_ignore_speaks_of_one_statement_and_one_rule() -> None:
    sql = "-- agentdb: ignore ban-drop-table old\nDROP TABLE a;\nDROP TABLE b;\nTRUNCATE c;"
    assert told(sql) == [(2, "ban-drop-table", "old"), (3, "ban-drop-table", ""), (4, "ban-truncate", "")]


def test_two_ignores_before_one_statement_both_count() -> None:
    sql = (
        "-- agentdb: ignore ban-drop-column unused\n-- agentdb: ignore ban-drop-cascade the view is unused\n"
        "ALTER TABLE t DROP COLUMN a CASCADE;"
    )
    assert [(rule, bool(reason)) for _, rule, reason in told(sql)] == [
        ("ban-drop-cascade", True),
        ("ban-drop-column", True),
    ]


def test_an_ignore_that_meets_nothing_is_a_finding() -> None:
    assert told("-- agentdb: ignore ban-drop-table old\nSELECT 1;") == [(1, "unused-ignore", "")]
    assert told("SELECT 1;\n-- agentdb: ignore ban-drop-table old") == [(2, "unused-ignore", "")]


def test_an_ignore_that_has_run_out_silences_nothing() -> None:
    sql = "-- agentdb: ignore ban-drop-table old (until 2026-05-31)\nDROP TABLE a;"
    assert told(sql) == [(2, "ban-drop-table", ""), (1, "expired-ignore", "")]
    assert "2026-05-31: old" in findings(sql)[1].why


@pytest.mark.parametrize(
    ("comment", "says"),
    [
        ("ignore ban-drop-table", "it says no reason"),
        ("ignore ban-drop-table (until 2027-01-01)", "it says no reason"),
        ("ignore ban-drop-tabel old", "did you mean 'ban-drop-table'?"),
        ("ignore ban-drop-table old (until 2027-13-01)", "2027-13-01 is no date"),
    ],
)
def test_an_ignore_that_cannot_be_understood_says_why(comment: str, says: str) -> None:
    [drop, malformed] = findings(f"-- agentdb: {comment}\nDROP TABLE a;")
    assert (drop.rule, drop.ignored) == ("ban-drop-table", "")
    assert malformed.rule == "malformed-ignore"
    assert says in malformed.why


@pytest.mark.parametrize("comment", ["-- agentdb: no-transaction", "-- ignore ban-drop-table", "-- agentdb ignore x y"])
def test_other_comments_are_left_alone(comment: str) -> None:
    assert told(f"{comment}\nSELECT 1;") == []


def test_a_text_that_looks_like_an_ignore_is_none() -> None:
    assert told("SELECT '-- agentdb: ignore ban-drop-table old';\nDROP TABLE a;") == [(2, "ban-drop-table", "")]
