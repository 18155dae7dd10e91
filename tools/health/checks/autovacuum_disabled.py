"""autovacuum-disabled: autovacuum switched off, for the server or for a table that needs it."""

from __future__ import annotations

from ...sql.quote import qualified
from .. import wording
from ..registry import Ask, Limit, check
from ..result import Advice, Outcome, bad, ok, warn


@check(
    "autovacuum-disabled",
    title="Autovacuum disabled",
    question="Is autovacuum switched off, here or on a large table?",
    source="PostgreSQL manual, autovacuum, track_counts; storage parameter autovacuum_enabled",
    limits={"min_rows": Limit(10_000, "estimated rows of such a table", "chosen here: small tables do without")},
)
def autovacuum_disabled(ask: Ask) -> Outcome:
    """bad for the whole server, warn for large tables (often left over from a bulk load)."""
    found = ask.rows()
    if found[0]["disabled"]:
        advice = Advice(
            "Switch it on.",
            "ALTER SYSTEM SET autovacuum = on;\nALTER SYSTEM SET track_counts = on;\nSELECT pg_reload_conf();",
        )
        return bad(
            "autovacuum is off for the whole server: dead rows stay and freezing waits for the last moment",
            found,
            [advice],
        )
    tables = [r for r in found if r["kind"] == "table"]
    large = [r for r in tables if r["rows"] >= ask.limits["min_rows"]]
    if not large:
        note = f", save on {wording.count(len(tables), 'small table')}" if tables else ""
        return ok(f"autovacuum is on{note}", tables)
    names = wording.listed([f"{r['schema']}.{r['table']}" for r in large])
    statements = "\n".join(
        f"ALTER TABLE {qualified(r['schema'], r['table'])} RESET (autovacuum_enabled);" for r in large
    )
    advice = Advice("If that was for a load which is over, switch it on again.", statements)
    return warn(f"autovacuum is off on {wording.count(len(large), 'large table')}: {names}", large, [advice])
