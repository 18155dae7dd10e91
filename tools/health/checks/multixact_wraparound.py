"""multixact-wraparound: the same limit for row locks that several transactions share."""

from __future__ import annotations

from .. import wording
from ..registry import Ask, Limit, check
from ..result import Advice, Outcome, bad, ok, warn

WRAP = 2**31


@check(
    "multixact-wraparound",
    title="Multixact wraparound",
    question="Does freezing of multixacts (row locks shared by several transactions) keep up?",
    source='PostgreSQL manual, "Multixacts and Wraparound"; vacuum_multixact_failsafe_age',
    limits={
        "warn_times": Limit(
            1.5,
            "times autovacuum_multixact_freeze_max_age",
            "chosen here: autovacuum is forced at 1, so it does not keep up",
        ),
        "warn_age": Limit(1_300_000_000, "multixacts", "check_postgres txn_wraparound: warning at 1.3 billion"),
        "bad_age": Limit(1_600_000_000, "multixacts", "vacuum_multixact_failsafe_age's default"),
    },
)
def multixact_wraparound(ask: Ask) -> Outcome:
    found = ask.rows()
    forced = next(r["age"] for r in found if r["kind"] == "setting")
    limit = min(ask.limits["warn_age"], ask.limits["warn_times"] * forced)
    databases = sorted((r for r in found if r["kind"] == "database"), key=lambda r: -r["age"])
    oldest = databases[0]
    if oldest["age"] < limit:
        return ok(f"oldest multixact is {oldest['age']:,} old, {wording.share(oldest['age'] / WRAP)} of the way")
    tables = [r for r in found if r["kind"] == "table" and r["age"] >= limit]
    rows = [*(r for r in databases if r["age"] >= limit), *tables]
    summary = f"database {oldest['name']} is {oldest['age']:,} multixacts old, {wording.share(oldest['age'] / WRAP)} of the way"
    advice = [
        Advice(
            "Freeze the oldest tables by hand, and look for many sessions that lock the same rows (FOR SHARE, foreign keys).",
            "\n".join(f"VACUUM (FREEZE, VERBOSE) {r['name']};" for r in tables),
        )
    ]
    return (bad if oldest["age"] >= ask.limits["bad_age"] else warn)(summary, rows, advice)
