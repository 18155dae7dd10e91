"""A migration that began and did not end."""

from __future__ import annotations

from collections.abc import Iterator

from ..hypothesis import Certainty, Hypothesis, Step
from ..ledger_rows import progress
from ..sessions import cancel_sql
from ..situation import Situation


def find(facts: Situation) -> Iterator[Hypothesis]:
    """Attempts in the ledger that began and did not end, dead or alive."""
    for row in facts.ledger:
        label = "_".join(x for x in (str(row["version"]), str(row["name"])) if x)
        done = progress(row)
        because = [f"the ledger says {row['kind']} of {label} is {row['status']}" + (f", {done}" if done else "")]
        if row.get("under_way"):
            because.append(f"under way was: {row['under_way']}")
        if row["alive"]:
            because.append(f"its session, pid {row['backend_pid']}, is still there")
            yield Hypothesis(
                "migration-under-way",
                f"{row['kind']} of migration {label} is under way",
                Certainty.MEASURED,
                tuple(because),
                (
                    Step("wait", "Let it go on.", "It holds what locks it has taken."),
                    Step(
                        "cancel",
                        f"Cancel its statement (pid {row['backend_pid']}).",
                        "A transactional migration is rolled back; one with CONCURRENTLY may leave an invalid index.",
                        sql=cancel_sql({"pid": row["backend_pid"]}),
                    ),
                ),
            )
            continue
        because.append("no session works on it")
        whole = row.get("transactional") is True
        if whole:
            because.append("it ran in one transaction, so the server took back all of it")
        yield Hypothesis(
            "half-applied",
            f"migration {label} began and did not end",
            Certainty.MEASURED,
            tuple(because),
            (
                Step(
                    "look",
                    "Compare with the catalog what is really there.",
                    "None, it reads only.",
                    command="agentdb status",
                ),
                Step(
                    "resume",
                    "Continue after the last statement that is known to be done.",
                    "The statement that was under way may be done already; agentdb looks before it goes on."
                    if not whole
                    else "None but that of the migration itself: it starts from the beginning.",
                    command="agentdb apply --resume",
                ),
                Step(
                    "roll back",
                    "Take back what was done: assessed, proven again and shown first; it asks before anything runs.",
                    "What the certificate of that rollback says is lost, is lost.",
                    command=f"agentdb rollback {row['version']} --dry-run",
                ),
            ),
        )
