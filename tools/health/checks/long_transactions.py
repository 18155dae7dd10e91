"""long-transactions: transactions that stay open, above all those in which nobody does anything."""

from __future__ import annotations

from typing import Any

from .. import wording
from ..redact import query_head
from ..registry import Ask, Limit, check
from ..result import Outcome, bad, ok, unknown, warn
from ..sessions import cancel, terminate, who


@check(
    "long-transactions",
    title="Long transactions",
    question="Which transactions stay open so long that they hold locks, VACUUM or a migration back?",
    source='PostgreSQL manual, pg_stat_activity; "Routine Vacuuming"; idle_in_transaction_session_timeout',
    limits={
        "warn_seconds": Limit(300, "seconds a transaction is open", "check_postgres query_time: critical at 5 minutes"),
        "bad_seconds": Limit(3600, "seconds a transaction is open", "chosen here: an hour of kept dead rows"),
        "idle_warn_seconds": Limit(
            60,
            "seconds idle in transaction",
            "GitLab.com ended such sessions after one minute",
        ),
        "idle_bad_seconds": Limit(300, "seconds idle in transaction", "pgEdge alert rules: idle in transaction 300"),
    },
)
def long_transactions(ask: Ask) -> Outcome:
    """Rows name the session, its age and its strong locks. unknown when nothing is found but sessions are hidden."""
    found = ask.rows()
    hidden = sum(r["hidden"] for r in found)
    judged = [(_degree(r, ask), _shown(r)) for r in found if not r["hidden"]]
    long = sorted(((d, r) for d, r in judged if d), key=lambda x: (-x[0], -x[1]["transaction_seconds"]))
    blind = f"; {wording.count(hidden, 'session')} could not be looked into" if hidden else ""
    if not long:
        if hidden:
            return unknown(
                f"{wording.count(hidden, 'session')} may not be looked into: grant pg_read_all_stats to {ask.server.role}"
            )
        return ok("no transaction is open for long")
    rows = [r for _, r in long]
    first = rows[0]
    summary = (
        f"{wording.count(len(rows), 'long transaction')}; {who(first)} is {first['state']}, "
        f"open for {wording.seconds(first['transaction_seconds'])}{blind}"
    )
    advice = [terminate(r) if str(r["state"]).startswith("idle") else cancel(r) for r in rows]
    return (bad if long[0][0] == 2 else warn)(summary, rows, advice)


def _degree(row: dict[str, Any], ask: Ask) -> int:
    """0 fine, 1 warn, 2 bad."""
    age, limits = row["transaction_seconds"], ask.limits
    idle = row["state_seconds"] if str(row["state"]).startswith("idle in transaction") else -1.0
    if age >= limits["bad_seconds"] or idle >= limits["idle_bad_seconds"]:
        return 2
    return int(age >= limits["warn_seconds"] or idle >= limits["idle_warn_seconds"])


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {**{k: v for k, v in row.items() if k != "hidden"}, "query": query_head(row["query"])}
