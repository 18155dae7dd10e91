"""autovacuum-behind: tables whose dead rows pile up faster than autovacuum clears them."""

from __future__ import annotations

from ...sql.quote import qualified
from .. import wording
from ..registry import Ask, Limit, check
from ..result import Advice, Outcome, ok, warn


@check(
    "autovacuum-behind",
    title="Autovacuum behind",
    question="On which tables do dead rows pile up although autovacuum should have come?",
    source='PostgreSQL manual, "The Autovacuum Daemon"; pg_stat_all_tables.n_dead_tup',
    limits={
        "times": Limit(
            2, "times the number of dead rows at which autovacuum starts", "chosen here: it should have come long ago"
        ),
        "min_dead_rows": Limit(10_000, "dead rows", "chosen here: little to gain below"),
    },
)
def autovacuum_behind(ask: Ask) -> Outcome:
    """warn, also while a VACUUM is running there: `running` says so."""
    found = ask.rows()
    if not found:
        return ok("dead rows are cleared in time")
    first = found[0]
    names = wording.listed([f"{r['schema']}.{r['table']}" for r in found])
    waiting = [r for r in found if not r["running"]]
    note = "" if waiting else ", VACUUM is running there"
    statements = "\n".join(f"VACUUM (ANALYZE, VERBOSE) {qualified(r['schema'], r['table'])};" for r in waiting)
    advice = [
        Advice(
            "See what holds VACUUM back first (long-transactions, replication-slots, prepared-transactions), then run it;"
            " for a table that changes much lower its autovacuum_vacuum_scale_factor.",
            statements,
        )
    ]
    return warn(
        f"{wording.count(len(found), 'table')} with dead rows in plenty{note}: {names} ({first['dead_rows']:,} dead)",
        found,
        advice,
    )
