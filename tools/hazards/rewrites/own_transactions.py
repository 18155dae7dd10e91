"""BEGIN and COMMIT left to the runner, which opens and ends the transaction together with its record of it."""

from __future__ import annotations

from ...sql import grammar
from ..rewriting.place import Place
from ..rewriting.registry import NoForm, Part, rewriter


@rewriter(
    rules=("ban-transaction-control", "leaving-transaction-open"),
    on=("transaction_stmt",),
    form="the file without its own `BEGIN` and `COMMIT`",
)
def rewrite(place: Place) -> list[Part]:
    kind = grammar.enum_name(place.node, "kind").removeprefix("TRANS_STMT_")
    if kind not in ("BEGIN", "START", "COMMIT"):
        raise NoForm(f"{kind} undoes or prepares work, which has no meaning in a migration")
    return []
