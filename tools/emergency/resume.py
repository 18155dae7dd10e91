"""A rollback that was begun, on a person's approval, and has not ended: what of it is done and what is left."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..ledger import plan as plans
from ..ledger.approvals import Approval
from ..ledger.history import HistoryRow
from ..ledger.plan import Plan
from .ran import instant

if TYPE_CHECKING:
    from ..databases.postgres import Connection


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A run that stopped. done, left: labels, in order. half: the one whose rollback stopped between two statements,
    "" for none. error: what the last attempt failed with, "" when it was cut short."""

    approval: Approval
    plan: Plan
    begun: str
    done: tuple[str, ...]
    left: tuple[str, ...]
    half: str = ""
    error: str = ""

    @property
    def line(self) -> str:
        """What is true, in a sentence or two."""
        stopped = f"failed ({self.error})" if self.error else "was cut short"
        back = f"{', '.join(self.done)} is back" if self.done else "nothing was taken back"
        half = f"; the rollback of {self.half} stands half way" if self.half else ""
        return (
            f"a rollback was begun at {self.begun}, approved by {self.approval.approver}, and {stopped}: {back}{half}"
        )


def unfinished(conn: Connection, rows: Sequence[HistoryRow], numbers: Collection[int]) -> Unfinished | None:
    """The last rollback that was begun here, when it has not ended and some of `numbers` are left of it; else None."""
    there = conn.execute("SELECT pg_catalog.to_regclass('agentdb.approvals') IS NOT NULL").fetchone()
    if not (there and there[0]):
        return None
    found = conn.execute(
        "SELECT payload, plan, signature, used FROM agentdb.approvals WHERE kind = 'rollback' ORDER BY used DESC LIMIT 1"
    ).fetchone()
    if found is None:
        return None
    payload, plan_json, signature, used = found
    approval = Approval({str(k): str(v) for k, v in payload.items()}, plan_json, signature)
    try:
        plan = plans.from_json(plan_json)
    except ValueError:
        return None
    by_id = {r.id: r for r in rows}
    ours = [r for r in rows if r.kind == "rollback" and r.approval_nonce == approval.nonce]
    done = tuple(
        m.label for m in plan.migrations if any(r.label == m.label and r.status == "rolled_back" for r in ours)
    )
    left = tuple(
        m.label
        for m in plan.migrations
        if m.label not in done and m.history_id in by_id and by_id[m.history_id].status != "rolled_back"
    )
    if not left or not any(m.number in numbers for m in plan.migrations if m.label in left):
        return None
    half = next((r.label for r in ours if r.left_something), "")
    failed = [r for r in ours if r.status == "failed"]
    error = str((failed[-1].error or {}).get("message", "")) if failed and failed[-1].label in left else ""
    return Unfinished(approval, plan, instant(used), done, left, half, error)
