"""tables-without-primary-key: rows that nothing can name, and published updates that fail."""

from __future__ import annotations

from ...sql.quote import qualified
from .. import wording
from ..registry import Ask, Limit, check
from ..result import Advice, Outcome, bad, ok, warn


@check(
    "tables-without-primary-key",
    title="Tables without primary key",
    question="Which tables have no primary key, and does a publication need one?",
    source='PostgreSQL manual, "Primary Keys"; "Publication": UPDATE and DELETE need a replica identity',
    limits={"min_rows": Limit(1_000, "estimated rows", "chosen here: spares scratch tables and one-row settings")},
)
def tables_without_primary_key(ask: Ask) -> Outcome:
    """bad when updates of such a table are published (they fail); warn when it is large and has no unique key either."""
    found = ask.rows()
    failing = [r for r in found if r["published_without_identity"]]
    large = [r for r in found if r not in failing and r["rows"] >= ask.limits["min_rows"] and not r["has_unique_key"]]
    if not failing and not large:
        note = f" ({wording.count(len(found), 'small table')} or with another unique key)" if found else ""
        return ok(f"every table of weight has a primary key{note}", found)
    names = wording.listed([f"{r['schema']}.{r['table']}" for r in [*failing, *large]])
    advice = [
        Advice(
            f"UPDATE and DELETE on {qualified(r['schema'], r['table'])} fail while it is published: give it a key or an identity.",
            f"ALTER TABLE {qualified(r['schema'], r['table'])} REPLICA IDENTITY FULL;  -- costly; a primary key is better",
        )
        for r in failing
    ] + [
        Advice(
            f"Build a unique index concurrently, then make it the primary key of {qualified(r['schema'], r['table'])}.",
            f"CREATE UNIQUE INDEX CONCURRENTLY <name> ON {qualified(r['schema'], r['table'])} (<columns>);\n"
            f"ALTER TABLE {qualified(r['schema'], r['table'])} ADD PRIMARY KEY USING INDEX <name>;",
        )
        for r in large
    ]
    if failing:
        summary = f"{wording.count(len(failing), 'published table')} without replica identity, updates fail: {names}"
        return bad(summary, [*failing, *large], advice)
    return warn(f"{wording.count(len(large), 'table')} without primary key: {names}", large, advice)
