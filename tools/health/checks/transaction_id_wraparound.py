"""transaction-id-wraparound: how far the server is from refusing every write."""

from __future__ import annotations

from typing import Any

from .. import wording
from ..registry import Ask, Limit, check
from ..result import Advice, Outcome, bad, ok, warn

WRAP = 2**31


@check(
    "transaction-id-wraparound",
    title="Transaction id wraparound",
    question="Does freezing keep up, or does the server come near the point where it refuses writes?",
    source='PostgreSQL manual, "Preventing Transaction ID Wraparound Failures"; vacuum_failsafe_age',
    limits={
        "warn_times": Limit(
            1.5, "times autovacuum_freeze_max_age", "chosen here: autovacuum is forced at 1, so it does not keep up"
        ),
        "warn_age": Limit(1_300_000_000, "transactions", "check_postgres txn_wraparound: warning at 1.3 billion"),
        "bad_age": Limit(1_600_000_000, "transactions", "vacuum_failsafe_age's default"),
    },
)
def transaction_id_wraparound(ask: Ask) -> Outcome:
    """warn from the lower of warn_age and warn_times * autovacuum_freeze_max_age; writes stop near 2^31."""
    found = ask.rows()
    forced = next(r["age"] for r in found if r["kind"] == "setting")
    limit = min(ask.limits["warn_age"], ask.limits["warn_times"] * forced)
    databases = sorted((r for r in found if r["kind"] == "database"), key=lambda r: -r["age"])
    tables = [r for r in found if r["kind"] == "table" and r["age"] >= limit]
    holders = sorted((r for r in found if r["kind"] == "holder"), key=lambda r: -(r["age"] or 0))
    oldest = databases[0]
    if oldest["age"] < limit:
        return ok(f"oldest transaction id is {oldest['age']:,} old, {wording.share(oldest['age'] / WRAP)} of the way")
    rows = [*(r for r in databases if r["age"] >= limit), *tables, *holders]
    summary = f"database {oldest['name']} is {oldest['age']:,} transactions old, {wording.share(oldest['age'] / WRAP)} of the way to refusing writes"
    return (bad if oldest["age"] >= ask.limits["bad_age"] else warn)(summary, rows, _advice(tables, holders, limit))


def _advice(tables: list[dict[str, Any]], holders: list[dict[str, Any]], limit: float) -> list[Advice]:
    advice = []
    if holders and (holders[0]["age"] or 0) >= limit:
        advice.append(
            Advice(
                f"{holders[0]['name']} ({holders[0]['detail']}) holds freezing back: end it first, VACUUM cannot pass it."
            )
        )
    if tables:
        statements = "\n".join(f"VACUUM (FREEZE, INDEX_CLEANUP off, VERBOSE) {r['name']};" for r in tables)
        advice.append(
            Advice(
                "Freeze the oldest tables by hand, oldest first; VACUUM blocks neither reads nor writes.", statements
            )
        )
    else:
        advice.append(Advice("The oldest tables are in another database: connect there and run VACUUM (FREEZE)."))
    return advice
