"""blocking-chains: who waits for whom, and who stands at the head of the queue."""

from __future__ import annotations

from .. import wording
from ..registry import Ask, Limit, check
from ..result import Advice, Outcome, bad, ok, warn
from ..sessions import cancel, chains, terminate, who


@check(
    "blocking-chains",
    title="Blocking chains",
    question="Which session makes others wait, for how long, and what does it do meanwhile?",
    source="PostgreSQL manual, pg_blocking_pids(), pg_locks.waitstart (14), pg_stat_activity",
    limits={
        "warn_seconds": Limit(
            1, "seconds of waiting", "deadlock_timeout's default, after which the server itself looks"
        ),
        "bad_seconds": Limit(60, "seconds of waiting", "pgEdge alert rules: lock wait 60 s"),
    },
)
def blocking_chains(ask: Ask) -> Outcome:
    """Rows are the forest of waiters, flattened with `depth`; the head of each chain first."""
    forest = chains(ask.rows())
    waits = [r["wait_seconds"] for r in forest if r["wait_seconds"] is not None]
    longest = max(waits, default=0.0)
    waiting = [r for r in forest if r["blocked_by"]]
    if not waiting or longest < ask.limits["warn_seconds"]:
        return ok(
            f"{wording.count(len(waiting), 'session')} waiting, none for long" if waiting else "nobody waits", forest
        )
    heads = [r for r in forest if r["depth"] == 0]
    head = heads[0]
    doing = f", {head['state']}," if head.get("state") else ""
    summary = (
        f"{wording.count(len(waiting), 'session')} waiting, up to {wording.seconds(longest)}; "
        f"{who(head)}{doing} holds up {head['blocks']}"
    )
    advice = []
    for h in heads:
        if not h["pid"]:
            advice.append(
                Advice(
                    "A prepared transaction holds the lock: end it.", "ROLLBACK PREPARED '<gid of pg_prepared_xacts>';"
                )
            )
        else:
            advice.append(terminate(h) if str(h.get("state") or "").startswith("idle") else cancel(h))
    return (bad if longest >= ask.limits["bad_seconds"] else warn)(summary, forest, advice)
