"""BEGIN or COMMIT where a transaction is already open, or none is."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ...sql import grammar
from ..registry import Category, Hit, rule
from ..step import Step

ENDS = ("COMMIT", "ROLLBACK", "PREPARE")


@rule(
    id="ban-transaction-control",
    title="BEGIN or COMMIT against the transaction around it",
    severity=Severity.ERROR,
    category=Category.HYGIENE,
    on=("transaction_stmt",),
    wrapped=True,
    why="A BEGIN inside a transaction does nothing but warn. A COMMIT inside the runner's transaction ends it: what follows "
    "runs without protection, and a failure leaves the migration half applied.",
    fix="Leave BEGIN and COMMIT out, or say `-- agentdb: no-transaction` and keep them balanced.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY);",
    bad="COMMIT;\nALTER TABLE orders ADD COLUMN note text;",
    good="SAVEPOINT before_note;\nALTER TABLE orders ADD COLUMN note text;\nRELEASE SAVEPOINT before_note;",
    rewritten=True,
    source="Manual, BEGIN, Notes; COMMIT, Notes.",
)
def check(step: Step) -> Iterator[Hit]:
    kind = grammar.enum_name(step.node, "kind").removeprefix("TRANS_STMT_")
    transaction = step.transaction
    leave = "Leave it out, or start the file with `-- agentdb: no-transaction` and keep BEGIN and COMMIT balanced."
    if kind in ("BEGIN", "START") and transaction.open:
        around = f"line {transaction.began} began one" if transaction.explicit else "the runner has begun one"
        yield Hit(
            f"{_word(kind)} stands inside a transaction: {around}, and PostgreSQL only warns. The COMMIT that belongs to"
            " it ends the outer one early.",
            leave,
        )
    elif kind in ENDS and transaction.wrapped:
        yield Hit(
            f"{_word(kind)} ends the transaction that the runner opened around the file. What follows runs outside of it,"
            " and a failure leaves the migration half applied.",
            leave,
        )
    elif kind in ENDS and not transaction.open:
        yield Hit(
            f"{_word(kind)} stands where no transaction is open: PostgreSQL only warns. The statements before it were"
            " committed one by one, not together.",
            "Write BEGIN before the statements that belong together, or leave it out.",
            severity=Severity.WARNING,
        )


def _word(kind: str) -> str:
    return {"START": "START TRANSACTION", "PREPARE": "PREPARE TRANSACTION"}.get(kind, kind)
