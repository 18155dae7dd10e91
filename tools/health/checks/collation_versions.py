"""collation-versions: sort orders that changed under the indexes built with them."""

from __future__ import annotations

from ...sql.quote import ident
from .. import wording
from ..registry import Ask, check
from ..result import Advice, Outcome, bad, ok


@check(
    "collation-versions",
    title="Collation versions",
    question="Did a new system library change the order that text indexes were built in?",
    source="PostgreSQL manual, ALTER COLLATION and ALTER DATABASE, REFRESH VERSION; pg_database.datcollversion (15)",
)
def collation_versions(ask: Ask) -> Outcome:
    """bad: an index in another order misses rows and lets duplicates in."""
    found = ask.rows()
    if not found:
        return ok("collations are as the indexes know them")
    names = wording.listed([f"{r['kind']} {r['name']} ({r['recorded']}, now {r['actual']})" for r in found])
    again = "\n".join(
        f"ALTER DATABASE {r['name']} REFRESH COLLATION VERSION;"
        if r["kind"] == "database"
        else f"ALTER COLLATION {r['name']} REFRESH VERSION;"
        for r in found
    )
    advice = Advice(
        "Rebuild the indexes on text first, then record the new version. Unique ones may fail on duplicates that crept in.",
        f"REINDEX DATABASE CONCURRENTLY {ident(ask.server.database)};\n{again}",
    )
    return bad(f"indexes on text may be in the wrong order: {names}", found, [advice])
