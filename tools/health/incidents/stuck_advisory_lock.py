"""An advisory lock whose holder does nothing."""

from __future__ import annotations

from collections.abc import Iterator

from .. import wording
from ..hypothesis import Certainty, Hypothesis, Step
from ..sessions import terminate_sql, who
from ..situation import Situation

IDLE_SECONDS = 60  # idle in transaction, with a strong lock, before it counts as forgotten (as the check does)
OUR_LOCK = "1634165858, "  # first half of the keys of tools/ledger/lock.py


def find(facts: Situation) -> Iterator[Hypothesis]:
    """Somebody waits for an advisory lock whose holder does nothing; or agentdb's own lock is held and nothing runs."""
    for holder in facts.advisory_locks:
        if not holder["granted"]:
            continue
        waiters = [r for r in facts.advisory_locks if r["key"] == holder["key"] and not r["granted"]]
        ours = str(holder["key"]).startswith(OUR_LOCK)
        idle = str(holder["state"] or "").startswith("idle")
        if not waiters and not (
            ours
            and idle
            and (holder["state_seconds"] or 0) >= IDLE_SECONDS
            and not any(r["alive"] for r in facts.ledger)
        ):
            continue
        because = [
            f"{who(holder)} holds advisory lock {holder['key']} and is {holder['state'] or 'in a state that may not be seen'}"
            + (f" for {wording.seconds(holder['state_seconds'])}" if holder["state_seconds"] is not None else ""),
            *(f"{who(r)} waits {wording.seconds(r['wait_seconds'])} for it" for r in waiters[:5]),
        ]
        if ours:
            because.append("it is agentdb's own lock; one apply at a time holds it")
        yield Hypothesis(
            "stuck-advisory-lock",
            f"advisory lock {holder['key']} is held by {who(holder)}"
            + (f", {len(waiters)} wait for it" if waiters else ", and nothing runs"),
            Certainty.MEASURED if waiters and idle else Certainty.LIKELY,
            tuple(because),
            (
                Step(
                    "wait", "Ask who runs that session; it may be at work elsewhere.", "Those who wait go on waiting."
                ),
                Step(
                    "terminate",
                    f"End the session of {who(holder)}; the server frees its lock with it.",
                    "What it had open is rolled back. Only that session could unlock it otherwise; behind a pooler it may"
                    " serve another client by now.",
                    sql=terminate_sql(holder),
                ),
            ),
        )
