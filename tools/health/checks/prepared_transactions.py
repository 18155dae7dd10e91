"""prepared-transactions: transactions whose second phase never came."""

from __future__ import annotations

from ...sql.quote import literal
from .. import wording
from ..registry import Ask, Limit, check
from ..result import Advice, Outcome, bad, ok, warn


@check(
    "prepared-transactions",
    title="Prepared transactions",
    question="Is there a prepared transaction that nobody finishes?",
    source="PostgreSQL manual, PREPARE TRANSACTION, Notes: do not leave them for long",
    limits={
        "warn_seconds": Limit(300, "seconds since PREPARE", "as for long transactions"),
        "bad_seconds": Limit(3600, "seconds since PREPARE", "as for long transactions"),
    },
)
def prepared_transactions(ask: Ask) -> Outcome:
    found = ask.rows()
    old = [r for r in found if r["seconds"] >= ask.limits["warn_seconds"]]
    if not old:
        return ok(
            f"{wording.count(len(found), 'prepared transaction')}, none old" if found else "no prepared transaction",
            found,
        )
    advice = [
        Advice(
            f"Ask {r['user']}'s transaction manager what became of it, then finish it (in database {r['database']}).",
            f"ROLLBACK PREPARED {literal(r['gid'])};  -- or COMMIT PREPARED {literal(r['gid'])};",
        )
        for r in old
    ]
    summary = (
        f"{wording.count(len(old), 'prepared transaction')} waiting, the oldest for {wording.seconds(old[0]['seconds'])};"
        " it keeps its locks"
    )
    return (bad if old[0]["seconds"] >= ask.limits["bad_seconds"] else warn)(summary, old, advice)
