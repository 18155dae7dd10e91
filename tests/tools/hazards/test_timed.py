"""Findings with how long a lock is held on the target."""

from __future__ import annotations

from dataclasses import replace

from agentdb.cli.outputs.json import finding_of
from agentdb.tools.hazards.context import Context
from agentdb.tools.hazards.registry import by_id
from agentdb.tools.hazards.timed import timed
from agentdb.tools.records import Finding, Proof, Severity
from agentdb.tools.sandbox.timing.estimate import Hold, Work


def finding(rule: str = "changing-column-type", **fields: object) -> Finding:
    made = by_id()[rule]
    about = Finding(rule, made.severity, made.title, "It rewrites.", "Write another.", statement=0, objects=("orders",))
    return replace(about, **{"proof": Proof.CONFIRMED, **fields})  # type: ignore[arg-type]


HOLD = Hold(0, 1, "public.orders", "ACCESS EXCLUSIVE", (40.0, 240.0), basis="12.4 M rows")
WORK = Work(0, 1, (5.0, 9.0), basis="12.4 M rows", tables=("public.orders",))


def test_a_confirmed_finding_says_for_how_long() -> None:
    (found,) = timed([finding()], [HOLD], [WORK], Context(table_rows={"public.orders": 12_400_000}))
    assert found.why == (
        "It rewrites. On the target it holds ACCESS EXCLUSIVE on orders for about 40 s to 4 min (12.4 M rows)."
    )
    held = finding_of(found)["held"]
    assert (held["seconds"], held["rows"], held["mode"]) == ([40.0, 240.0], 12_400_000, "ACCESS EXCLUSIVE")


def test_others_stay_as_they_were() -> None:
    refuted, elsewhere = finding(proof=Proof.REFUTED), replace(finding(), objects=("customers",), statement=2)
    data = finding("ban-drop-column")
    other = finding(statement=3)
    assert timed([refuted, elsewhere, data, other], [HOLD]) == (refuted, elsewhere, data, other)
    assert "held" not in finding_of(other)


def test_work_under_an_earlier_lock_is_told_too() -> None:
    (found,) = timed([finding("holding-lock-during-work")], [], [WORK])
    assert found.why.endswith("On the target it works for about 5 s to 9 s (12.4 M rows).")
    assert found.held["seconds"] == [5.0, 9.0]


def test_what_is_not_known_is_told_as_unknown() -> None:
    (found,) = timed([finding()], [replace(HOLD, seconds=None, why="never analysed", basis="")])
    assert "UNKNOWN: never analysed" in found.why and found.held["seconds"] is None
    assert found.held["why_unknown"] == "never analysed"


def test_a_lock_held_for_long_is_an_error_unless_the_project_says_otherwise() -> None:
    mild = finding("locking-table", severity=Severity.WARNING)
    assert timed([mild], [HOLD])[0].severity is Severity.ERROR
    assert timed([mild], [replace(HOLD, seconds=(3.0, 90.0))])[0].severity is Severity.WARNING
    assert timed([mild], [HOLD], (), Context(severity={"locking-table": "warning"}))[0].severity is Severity.WARNING
