"""table-bloat: space that a table takes and its rows do not need, estimated."""

from __future__ import annotations

from ...sql.quote import qualified
from .. import wording
from ..registry import Ask, Limit, check
from ..result import Advice, Outcome, bad, ok, unknown, warn


@check(
    "table-bloat",
    title="Table bloat (estimate)",
    question="Which tables take much more space than their rows need?",
    source='estimate from pg_class and pg_stats after check_postgres and pgsql-bloat-estimation; manual, "Database Page Layout"',
    limits={
        "min_bytes": Limit(
            100 * 1024**2, "bytes; smaller tables and smaller waste are not told", "pghero, index_bloat_bytes: 100 MB"
        ),
        "warn_ratio": Limit(
            0.5, "share of the table that is waste", "chosen here: the estimate is off by up to about 20 %"
        ),
        "bad_bytes": Limit(5 * 1024**3, "bytes of waste", "check_postgres bloat: critical at 5 GB"),
    },
)
def table_bloat(ask: Ask) -> Outcome:
    """An estimate that errs low; unknown when a large table cannot be estimated and none is found bloated."""
    found = ask.rows()
    blind = [r for r in found if not r["estimated"]]
    waste = [
        r
        for r in found
        if r["estimated"] and r["ratio"] >= ask.limits["warn_ratio"] and r["wasted"] >= ask.limits["min_bytes"]
    ]
    if not waste:
        if blind:
            names = wording.listed([f"{r['schema']}.{r['table']}" for r in blind])
            return unknown(f"no readable statistics for {wording.count(len(blind), 'large table')}: {names}", blind)
        return ok(f"no large table wastes {wording.share(ask.limits['warn_ratio'])} or more of its space (estimate)")
    first = waste[0]
    more = f" and {len(waste) - 1} more" if len(waste) > 1 else ""
    summary = (
        f"{first['schema']}.{first['table']}: about {wording.size(first['wasted'])} of {wording.size(first['bytes'])} is waste "
        f"(estimate){more}"
    )
    advice = [
        Advice(
            "Measure before acting (extension pgstattuple). VACUUM makes the space usable again; giving it back needs pg_repack, "
            "or VACUUM FULL, which takes ACCESS EXCLUSIVE for the whole rewrite.",
            f"SELECT * FROM pgstattuple_approx('{qualified(r['schema'], r['table'])}');\n"
            f"VACUUM (VERBOSE) {qualified(r['schema'], r['table'])};",
        )
        for r in waste
    ]
    return (bad if any(r["wasted"] >= ask.limits["bad_bytes"] for r in waste) else warn)(summary, waste, advice)
