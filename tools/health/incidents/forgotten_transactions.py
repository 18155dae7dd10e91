"""A transaction that nobody ends, before anybody waits for it."""

from __future__ import annotations

from collections.abc import Iterator

from .. import wording
from ..hypothesis import Certainty, Hypothesis, Step
from ..sessions import terminate_sql, who
from ..situation import Situation

IDLE_SECONDS = 60  # idle in transaction, with a strong lock, before it counts as forgotten (as the check does)


def find(facts: Situation) -> Iterator[Hypothesis]:
    """Transactions in which nobody does anything and that hold strong locks, although nobody waits yet."""
    heads = {r["pid"] for r in facts.blocking}
    for row in facts.transactions:
        idle = str(row["state"]).startswith("idle in transaction")
        if row["pid"] in heads or not idle or row["state_seconds"] < IDLE_SECONDS or not row["locks"]:
            continue
        yield Hypothesis(
            "forgotten-transaction",
            f"{who(row)} forgot a transaction that holds {wording.listed(row['locks'])}",
            Certainty.LIKELY,
            (
                f"idle in transaction for {wording.seconds(row['state_seconds'])}, open for {wording.seconds(row['transaction_seconds'])}",
            ),
            (
                Step(
                    "wait",
                    "Let its application end it.",
                    "The next DDL on these tables waits, and everybody behind it.",
                ),
                Step(
                    "terminate",
                    f"End the session of {who(row)}.",
                    "Its open work is rolled back.",
                    sql=terminate_sql(row),
                ),
            ),
        )
