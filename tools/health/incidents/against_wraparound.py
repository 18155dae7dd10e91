"""A vacuum that gives way to nobody, and a server that soon takes no writes."""

from __future__ import annotations

from collections.abc import Iterator

from .. import wording
from ..hypothesis import Certainty, Hypothesis, Step
from ..sessions import cancel_sql, wait_line, who
from ..situation import Situation

WRAP = 2**31


def find(facts: Situation) -> Iterator[Hypothesis]:
    """An autovacuum that prevents wraparound and does not give way to anybody, and a server close to the end."""
    for row in facts.progress:
        if not row["against_wraparound"]:
            continue
        part = f"{row['phase']}, {wording.share(row['done'] / row['total'])}" if row["total"] else row["phase"]
        behind = [r for r in facts.blocking if row["pid"] in r["blocked_by"]]
        because = [
            f"pid {row['pid']} vacuums {row['relation']} to prevent wraparound for {wording.seconds(row['seconds'])}: {part}",
            *(wait_line(r) for r in behind[:5]),
        ]
        steps = [
            Step(
                "wait",
                "Let it finish. Raise its speed if the disk allows.",
                "DDL on that table waits until then; reads and writes go on.",
                sql="ALTER SYSTEM SET autovacuum_vacuum_cost_delay = 0;\nSELECT pg_reload_conf();",
            )
        ]
        steps += [
            Step(
                "cancel",
                f"Cancel the waiting DDL of {who(r)} and repeat it later.",
                "The migration has to be repeated.",
                sql=cancel_sql(r),
            )
            for r in behind[:1]
        ]
        steps.append(
            Step(
                "cancel",
                "Cancel the vacuum.",
                "It starts again at once and has to begin anew; this only makes sense to let one quick DDL through.",
                sql=cancel_sql(row),
            )
        )
        yield Hypothesis(
            "vacuum-against-wraparound",
            f"a vacuum of {row['relation']} against wraparound is running"
            + (f", {len(behind)} wait behind it" if behind else ""),
            Certainty.MEASURED,
            tuple(because),
            tuple(steps),
        )
    oldest = max((r["age"] or 0 for r in facts.wraparound if r["kind"] == "database"), default=0)
    if oldest >= 0.9 * WRAP:
        names = [r["name"] for r in facts.wraparound if r["kind"] == "table"][:5]
        yield Hypothesis(
            "wraparound",
            "the server is about to refuse every write: transaction ids run out",
            Certainty.MEASURED,
            (f"the oldest transaction id is {oldest:,} old, {wording.share(oldest / WRAP)} of the way",),
            (
                Step(
                    "mend",
                    "End old transactions, prepared transactions and slots first, then freeze the oldest tables.",
                    "VACUUM reads those tables once; it blocks neither reads nor writes.",
                    sql="\n".join(f"VACUUM (FREEZE, INDEX_CLEANUP off, VERBOSE) {n};" for n in names),
                ),
            ),
        )
