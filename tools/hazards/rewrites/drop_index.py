"""DROP INDEX while everybody works."""

from __future__ import annotations

from ...sql.effects import object_name
from ...sql.quote import ident
from ..rewriting.place import Place
from ..rewriting.registry import NoForm, Part, Room, rewriter


@rewriter(
    rules=("require-concurrent-index-drop",),
    on=("drop_stmt",),
    form="`DROP INDEX CONCURRENTLY`, one index a statement, outside of a transaction",
)
def rewrite(place: Place) -> list[Part]:
    from ...sql.grammar import enum_name

    if enum_name(place.node, "behavior") == "DROP_CASCADE":
        raise NoForm("DROP INDEX CONCURRENTLY takes no CASCADE; drop first what depends on the index")
    exists = "IF EXISTS " if place.node.missing_ok else ""
    names = [".".join(ident(p) for p in object_name(o).split(".")) for o in place.node.objects]
    return [Part(f"DROP INDEX CONCURRENTLY {exists}{name}", Room.OUTSIDE, 1, "index") for name in names]
