"""A queue behind one session, among them DDL behind a forgotten transaction."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from ...sql.quote import literal
from .. import wording
from ..hypothesis import Certainty, Hypothesis, Step
from ..result import Row
from ..sessions import cancel_sql, terminate_sql, wait_line, who
from ..situation import Situation


def find(facts: Situation) -> Iterator[Hypothesis]:
    """One for each session at the head of a queue, DDL that waits behind an idle transaction among them."""
    heads = [i for i, r in enumerate(facts.blocking) if r["depth"] == 0]
    for start, end in pairwise([*heads, len(facts.blocking)]):
        head, behind = facts.blocking[start], facts.blocking[start + 1 : end]
        if not behind:
            continue
        if head.get("backend_type") == "autovacuum worker" or all(r["locktype"] == "advisory" for r in behind):
            continue  # told by against_wraparound and stuck_advisory_lock
        ddl = next((r for r in behind if r["mode"] == "AccessExclusiveLock" and r["locktype"] == "relation"), None)
        idle = str(head.get("state") or "").startswith("idle in transaction")
        doing = (
            "a forgotten transaction" if idle else "a running statement" if head["pid"] else "a prepared transaction"
        )
        longest = max((r["wait_seconds"] or 0 for r in behind), default=0)
        if ddl:
            rest = len(behind) - 1
            queue = f", and {wording.count(rest, 'session')} behind it" if rest else ""
            title = f"DDL on {ddl['target']} waits behind {doing} of {who(head)}{queue}"
        else:
            title = f"{wording.count(len(behind), 'session')} waiting for {doing} of {who(head)}"
        because = [_head_fact(head), *(wait_line(r) for r in behind[:5])]
        yield Hypothesis(
            "blocked-ddl" if ddl else "blocked-sessions",
            title,
            Certainty.MEASURED,
            tuple(because),
            tuple(_unblock(head, ddl, idle, len(behind), longest, facts)),
        )


def _head_fact(head: Row) -> str:
    state = head.get("state") or (
        "prepared, without a session" if not head["pid"] else "in a state that may not be seen"
    )
    open_for = (
        f", transaction open for {wording.seconds(head['transaction_seconds'])}"
        if head.get("transaction_seconds")
        else ""
    )
    last = f": {head['query']}" if head.get("query") else ""
    return f"{who(head)} is {state}{open_for}{last}"


def _unblock(head: Row, ddl: Row | None, idle: bool, waiting: int, longest: float, facts: Situation) -> Iterator[Step]:
    yield Step(
        "wait",
        "Wait until it ends by itself.",
        f"{wording.count(waiting, 'session')} wait already, {wording.seconds(longest)} the longest; each new one joins the queue"
        + (", readers too" if ddl else ""),
    )
    if ddl:
        yield Step(
            "cancel",
            f"Cancel the waiting DDL of {who(ddl)}; those behind it go on at once.",
            "The migration fails there and has to be repeated; nothing is lost when it runs in a transaction.",
            sql=cancel_sql(ddl),
        )
    if not head["pid"]:
        gid = next((p["gid"] for p in facts.prepared if p["here"]), None)
        yield Step(
            "mend",
            "Finish the prepared transaction; ask its transaction manager which way.",
            "The wrong choice breaks the distributed transaction for good.",
            sql=f"ROLLBACK PREPARED {literal(gid)};  -- or COMMIT PREPARED {literal(gid)};"
            if gid
            else "SELECT gid, prepared FROM pg_prepared_xacts;",
        )
    elif idle:
        yield Step(
            "terminate",
            f"End the idle session of {who(head)}.",
            "Its open work is rolled back and its application sees a lost connection.",
            sql=terminate_sql(head),
        )
    else:
        yield Step(
            "cancel",
            f"Cancel what {who(head)} runs.",
            "Its transaction is rolled back; a long one takes a moment to end, its work is lost.",
            sql=cancel_sql(head),
        )
    if ddl:
        yield Step(
            "retry",
            "Repeat the DDL with a short lock_timeout and retries, which agentdb apply does by itself.",
            "It may need several tries while the table is busy; nobody waits for more than the timeout.",
            sql="SET lock_timeout = '2s';",
            command="agentdb apply",
        )
