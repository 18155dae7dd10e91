"""unused-indexes: indexes that no query used for as long as the server counts."""

from __future__ import annotations

from ...sql.quote import qualified
from .. import wording
from ..registry import Ask, Limit, check
from ..result import Advice, Outcome, ok, warn


@check(
    "unused-indexes",
    title="Unused indexes",
    question="Which indexes did no query use since the counters began, and how long is that?",
    source="PostgreSQL manual, pg_stat_all_indexes.idx_scan and last_idx_scan (16), pg_stat_database.stats_reset",
    limits={
        "min_bytes": Limit(10 * 1024**2, "bytes; smaller indexes are not told", "chosen here: little to win below it"),
        "min_days": Limit(
            14, "days of counting before an index may be called unused", "chosen here: covers two weekly jobs"
        ),
    },
)
def unused_indexes(ask: Ask) -> Outcome:
    """warn when counters are old enough; ok, with the rows, when they are too young to say. Says how old they are."""
    found = ask.rows()
    if not found:
        return ok("every index of a size worth telling was used, enforces something or serves a foreign key")
    age = float(found[0]["counted_seconds"])
    names = wording.listed([f"{r['schema']}.{r['index']}" for r in found])
    counted = f"in {wording.seconds(age)} of counting"
    if age < ask.limits["min_days"] * 86400:
        return ok(f"no scan yet {counted}, too short to judge: {names}", found)
    total = wording.size(sum(r["bytes"] for r in found))
    return warn(
        f"{wording.count(len(found), 'index', 'indexes')}, {total}, not used {counted}: {names}",
        found,
        [
            Advice(
                "Look at every standby first: each server counts for itself. A rare report or a yearly job counts as use too.",
                "\n".join(_drop(r) for r in found[:20]),
            )
        ],
    )


def _drop(row: dict[str, object]) -> str:
    how = "DROP INDEX" if row["partitioned"] else "DROP INDEX CONCURRENTLY"
    return f"{how} {qualified(str(row['schema']), str(row['index']))};"
