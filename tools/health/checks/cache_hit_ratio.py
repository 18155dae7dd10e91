"""cache-hit-ratio: how often a block was found in shared buffers."""

from __future__ import annotations

from .. import wording
from ..registry import Ask, Limit, check
from ..result import Advice, Outcome, ok, warn


@check(
    "cache-hit-ratio",
    title="Cache hit ratio",
    question="Does the database find its blocks in shared buffers?",
    source="PostgreSQL manual, pg_stat_database.blks_hit and blks_read; what is read may still come from the system's cache",
    limits={
        "warn_ratio": Limit(
            0.95, "hits / (hits + reads)", "Heroku and others aim at 0.99; 0.95 here, to warn only when it is clear"
        ),
        "min_blocks": Limit(1_000_000, "blocks asked for before it is judged", "chosen here: 8 GB of traffic at 8 kB"),
    },
)
def cache_hit_ratio(ask: Ask) -> Outcome:
    """Never bad: a low ratio is a reason to look, not a fault. ok while there is too little traffic to judge."""
    row = ask.rows()[0]
    total = row["hit"] + row["read"]
    if total < ask.limits["min_blocks"] or not total:
        return ok(f"too little traffic to judge ({total:,} blocks)", [row])
    ratio = row["hit"] / total
    said = f"{ratio * 100:.1f} % of {total:,} blocks came from shared buffers ({row['shared_buffers']})"
    if ratio >= ask.limits["warn_ratio"]:
        return ok(said, [row])
    advice = Advice(
        "See which tables are read most from outside; look for missing indexes before raising shared_buffers.",
        "SELECT relid::regclass, heap_blks_read, heap_blks_hit FROM pg_statio_user_tables ORDER BY heap_blks_read DESC LIMIT 10;",
    )
    return warn(f"{said}, in {wording.seconds(row['counted_seconds'])}", [row], [advice])
