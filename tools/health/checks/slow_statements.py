"""slow-statements: where the time goes, by pg_stat_statements."""

from __future__ import annotations

from .. import wording
from ..redact import query_head
from ..registry import Ask, Limit, check
from ..result import Advice, Outcome, ok, unknown, warn


@check(
    "slow-statements",
    title="Slow statements",
    question="Which statements take most of the time?",
    source="PostgreSQL manual, pg_stat_statements (extension; must be in shared_preload_libraries)",
    limits={
        "warn_mean_ms": Limit(1_000, "milliseconds on average", "chosen here: noticed by a person"),
        "warn_calls": Limit(100, "calls", "pghero, slow_query_calls: 100"),
        "warn_share": Limit(0.2, "share of all execution time", "chosen here: worth a look by itself"),
    },
)
def slow_statements(ask: Ask) -> Outcome:
    """Rows: the ten that took most, without literals. warn when one is slow, frequent and weighs much."""
    place = ask.reader.rows("health_extension_schema", {"name": "pg_stat_statements"})
    if not place:
        return unknown(
            "pg_stat_statements is not installed, so nobody counts statements",
            advice=[
                Advice(
                    "Add it to shared_preload_libraries (needs a restart), then create the extension.",
                    "CREATE EXTENSION pg_stat_statements;",
                )
            ],
        )
    found = ask.reader.rows(ask.query, search_path=f"pg_catalog, {place[0]['schema']}, pg_temp")
    if any(r["hidden"] for r in found):
        return unknown(f"other roles' statements may not be read: grant pg_read_all_stats to {ask.server.role}")
    rows = [{**{k: v for k, v in r.items() if k != "hidden"}, "query": query_head(r["query"])} for r in found]
    limits = ask.limits
    slow = [
        r
        for r in rows
        if r["mean_ms"] >= limits["warn_mean_ms"]
        and r["calls"] >= limits["warn_calls"]
        and (r["share"] or 0) >= limits["warn_share"]
    ]
    if slow:
        first = slow[0]
        return warn(
            f"{wording.share(first['share'])} of the time goes to one statement, {first['mean_ms']:.0f} ms on average: {first['query'][:60]}",
            rows,
            [Advice("Look at its plan with values of your own.", "EXPLAIN (ANALYZE, BUFFERS) <the statement>;")],
        )
    if not rows:
        return ok("no statement was counted yet")
    return ok(
        f"nothing stands out; most time ({wording.share(rows[0]['share'])}) goes to: {rows[0]['query'][:60]}", rows
    )
