"""Statements that no transaction can hold, taken out of it."""

from __future__ import annotations

from ..rewriting.place import Place
from ..rewriting.registry import NoForm, Part, Room, rewriter

# These may not be in a migration at all: what they change is not the database that it is about.
ELSEWHERE = ("createdb_stmt", "dropdb_stmt", "alter_system_stmt", "create_table_space_stmt", "drop_table_space_stmt")


@rewriter(
    rules=("ban-in-transaction",),
    form="a file of its own, or the header `-- agentdb: no-transaction`",
)
def rewrite(place: Place) -> list[Part]:
    if place.step.node_name in ELSEWHERE:
        raise NoForm("it is about the server, not about this database; run it by hand, outside of migrations")
    if place.step.transactional is not False:
        raise NoForm("whether it can run inside a transaction is only known when it runs")
    return [Part(place.step.text, Room.OUTSIDE, 1, "outside")]
