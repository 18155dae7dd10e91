"""stale-statistics: large tables that the planner judges by old numbers, or by none."""

from __future__ import annotations

from ...sql.quote import qualified
from .. import wording
from ..registry import Ask, Limit, check
from ..result import Advice, Outcome, ok, warn


@check(
    "stale-statistics",
    title="Stale statistics",
    question="Which large tables were never analyzed, or changed much since?",
    source='PostgreSQL manual, "Updating Planner Statistics"; pg_stat_all_tables.n_mod_since_analyze',
    limits={
        "min_rows": Limit(10_000, "estimated rows", "chosen here: plans of smaller tables seldom hurt"),
        "changed_ratio": Limit(
            0.5, "share of the rows changed since", "five times autovacuum_analyze_scale_factor's default of 0.1"
        ),
    },
)
def stale_statistics(ask: Ask) -> Outcome:
    """warn for each such table; a backfill or a restore is the usual cause."""
    stale = [r for r in ask.rows() if r["never"] or r["changed"] >= ask.limits["changed_ratio"] * r["rows"]]
    if not stale:
        return ok("statistics of large tables are fresh")
    never = [r for r in stale if r["never"]]
    names = wording.listed([f"{r['schema']}.{r['table']}" for r in stale])
    part = f", {len(never)} of them never analyzed" if never else ""
    statements = "\n".join(f"ANALYZE {qualified(r['schema'], r['table'])};" for r in stale)
    advice = Advice("ANALYZE reads a sample under SHARE UPDATE EXCLUSIVE: reads and writes go on.", statements)
    return warn(f"statistics of {wording.count(len(stale), 'large table')} are stale{part}: {names}", stale, [advice])
