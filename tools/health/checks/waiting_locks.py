"""waiting-locks: queues in front of a table, where one waiting ALTER TABLE stops everyone behind it."""

from __future__ import annotations

from .. import wording
from ..registry import Ask, Limit, check
from ..result import Advice, Outcome, bad, ok, warn


@check(
    "waiting-locks",
    title="Lock queues",
    question="On which objects do sessions queue, and does a request for ACCESS EXCLUSIVE stop even readers?",
    source='PostgreSQL manual, pg_locks; "Explicit Locking": a waiting request makes later conflicting ones wait',
    limits={
        "warn_seconds": Limit(1, "seconds of waiting", "deadlock_timeout's default"),
        "bad_seconds": Limit(60, "seconds of waiting", "pgEdge alert rules: lock wait 60 s"),
        "bad_queue": Limit(5, "sessions in one queue", "pgEdge alert rules: 5 blocked sessions"),
    },
)
def waiting_locks(ask: Ask) -> Outcome:
    """bad when a queue is long, or anyone waits behind a waiting ACCESS EXCLUSIVE for longer than warn_seconds."""
    found = ask.rows()
    late = [r for r in found if r["wait_seconds"] is None or r["wait_seconds"] >= ask.limits["warn_seconds"]]
    if not late:
        return ok(
            f"{wording.count(len(found), 'queue')}, nobody waits long" if found else "no queue in front of any lock",
            found,
        )
    worst = max(late, key=lambda r: (r["waiting"], r["wait_seconds"] or 0))
    stampede = [r for r in late if r["strongest"] == "AccessExclusiveLock" and r["waiting"] > 1]
    summary = (
        f"{wording.count(worst['waiting'], 'session')} in line for {worst['target']} "
        f"(strongest: {worst['strongest']}), up to {wording.seconds(worst['wait_seconds'])}"
    )
    advice = (
        [
            Advice(
                "Cancel the waiting DDL: those behind it go on at once. Repeat it with a short lock_timeout and retries.",
                "\n".join(
                    "SELECT pg_cancel_backend(pid) FROM pg_locks"
                    f" WHERE pid = ANY (ARRAY{r['pids']}) AND NOT granted AND mode = 'AccessExclusiveLock';"
                    for r in stampede
                ),
            )
        ]
        if stampede
        else []
    )
    serious = stampede or any(
        (r["wait_seconds"] or 0) >= ask.limits["bad_seconds"] or r["waiting"] >= ask.limits["bad_queue"] for r in late
    )
    return (bad if serious else warn)(summary, found, advice)
