"""half-applied-migrations: what the ledger says began and did not end."""

from __future__ import annotations

from .. import wording
from ..ledger_rows import is_alive, open_rows, progress
from ..registry import Ask, check
from ..result import Advice, Outcome, bad, ok, unknown


@check(
    "half-applied-migrations",
    title="Half-applied migrations",
    question="Did an apply or a rollback begin and not come to its end?",
    source="agentdb's own ledger (schema agentdb, history), read by the caller; pg_stat_activity",
)
def half_applied_migrations(ask: Ask) -> Outcome:
    """bad for rows that are open and whose session is gone; ok while that session still works.

    unknown when there is a ledger and nobody handed its rows in.
    """
    half = open_rows(ask.ledger_rows or ())
    found = ask.rows()[0]
    if ask.ledger_rows is None:
        if found["has_ledger"]:
            return unknown("there is a ledger in this database, but its rows were not read")
        return ok("no ledger in this database")
    working = [r for r in half if is_alive(r, found["sessions"] or (), found["starts"] or {})]
    left = [r for r in half if r not in working]
    if not left:
        if working:
            return ok(f"{wording.count(len(working), 'migration')} being applied right now", working)
        return ok(f"{wording.count(len(ask.ledger_rows), 'row')} in the ledger, none half done")
    names = wording.listed(
        [f"{r['version']} ({', '.join(x for x in (r['kind'], r['status'], progress(r)) if x)})" for r in left]
    )
    advice = Advice("See what is true in the catalog, and whether to resume or to roll back.", "agentdb status")
    return bad(f"{wording.count(len(left), 'migration')} began and did not end: {names}", left, [advice])
