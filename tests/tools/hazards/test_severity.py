"""Severity follows the size of the real table, and the project has the last word."""

from __future__ import annotations

import pytest

from agentdb.tools.hazards.context import Context
from agentdb.tools.hazards.run import check
from agentdb.tools.hazards.severity import by_size
from agentdb.tools.records import Severity
from agentdb.tools.sql.parse import parse


def severity(sql: str, **context: object) -> list[str]:
    world = Context(in_transaction=False, lock_timeout_set=True, **context)  # type: ignore[arg-type]
    return [f.severity.value for f in check(parse(sql), context=world)]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [(0, "info"), (999, "info"), (1_000, "warning"), (99_999, "warning"), (100_000, "error"), (50_000_000, "error")],
)
def test_an_error_by_the_rows_of_its_table(rows: int, expected: str) -> None:
    sql = "CREATE INDEX i ON app.t (a);"
    assert severity(sql, table_rows={"app.t": rows}) == [expected]


def test_a_warning_on_a_huge_table_is_an_error() -> None:
    assert by_size(Severity.WARNING, 10_000_000) is Severity.ERROR
    assert by_size(Severity.INFO, 10_000_000) is Severity.INFO


def test_rows_that_are_not_known_change_nothing() -> None:
    assert severity("CREATE INDEX i ON t (a);") == ["error"]
    assert severity("CREATE INDEX i ON t (a);", table_rows={"public.u": 0}) == ["error"]
    assert severity("CREATE INDEX i ON t (a);", table_rows={"public.t": 0}) == ["info"]


def test_a_lost_table_is_lost_however_small() -> None:
    assert severity("DROP TABLE t;", table_rows={"public.t": 5}) == ["error"]
    assert severity("DROP TABLE t;", table_rows={"public.t": 0}) == ["warning"]


def test_the_project_has_the_last_word() -> None:
    sql = "CREATE INDEX i ON t (a);"
    assert severity(sql, table_rows={"public.t": 0}, severity={"require-concurrent-index": "error"}) == ["error"]
    assert severity(sql, severity={"require-concurrent-index": "off"}) == []


def test_all_rules_can_be_switched_on() -> None:
    quiet, loud = (
        severity("CREATE TABLE t (a varchar(5));"),
        severity("CREATE TABLE t (a varchar(5));", enabled=("all",)),
    )
    assert len(loud) > len(quiet)
