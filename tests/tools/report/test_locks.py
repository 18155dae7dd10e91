from __future__ import annotations

from typing import Any

from agentdb.tools.report import locks
from agentdb.tools.report.markdown import markdown


def entry(line: int, seconds: list[float] | None) -> dict[str, Any]:
    return {
        "label": "005_total",
        "path": "migrations/pending/005_total.sql",
        "line": line,
        "relation": "public.orders",
        "mode": "ACCESS EXCLUSIVE",
        "seconds": seconds,
        "sentence": f"Sentence {line} of <b>orders</b>.",
    }


LONG, SHORT, UNKNOWN = entry(1, [0.4, 12.0]), entry(2, [0.001, 0.02]), entry(3, None)


def page(*entries: dict[str, Any]) -> str:
    record: dict[str, Any] = {
        "verdict": {"word": "safe", "reasons": [], "do": []},
        "target": None,
        "migrations": [],
        "project": "shop",
        "findings": [],
        "sandbox": {},
        "rollbacks": [],
        "documentation": {"changes": [], "files": []},
        "health": {},
        "evidence": [],
        "notes": {},
        "plan_sha256": "",
        "agentdb": "0",
    }
    return markdown({**record, "notes": {"agents": [], "by": "nobody", "struck": 0}, "locks": list(entries)})


def test_only_locks_that_may_last_and_unknown_ones_are_worth_a_line() -> None:
    assert locks.noteworthy([LONG, SHORT, UNKNOWN]) == [LONG, UNKNOWN]
    assert locks.rest([LONG, SHORT, UNKNOWN]) == "1 more lock, held for less than a second."
    assert locks.rest([SHORT, SHORT]) == "2 locks, each held for less than a second."
    assert locks.rest([LONG]) == ""


def test_the_page_tells_them_and_nothing_in_them_acts() -> None:
    shown = page(LONG, SHORT, UNKNOWN).split("## Locks on the target")[1]
    assert "`migrations/pending/005_total.sql:1`" in shown and "005_total.sql:3" in shown
    assert "005_total.sql:2" not in shown and "1 more lock, held" in shown
    assert "<b>" not in shown
    assert "## Locks" not in page()
