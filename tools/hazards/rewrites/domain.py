"""A domain's constraint in two steps."""

from __future__ import annotations

from ...sql import grammar
from ...sql.effects import dotted
from ...sql.quote import ident
from ..rewriting.place import Place
from ..rewriting.registry import NoForm, Part, Room, rewriter
from ..rewriting.steps import copy_of


@rewriter(
    rules=("altering-domain",),
    on=("alter_domain_stmt",),
    form="`ALTER DOMAIN ... ADD CONSTRAINT ... NOT VALID`, then `VALIDATE CONSTRAINT` in a transaction of its own (18 and "
    "newer let writes go on while it validates)",
)
def rewrite(place: Place) -> list[Part]:
    node = copy_of(place.node)
    constraint = getattr(node, "def").constraint
    if grammar.enum_name(constraint, "contype") != "CONSTR_CHECK":
        raise NoForm("NOT NULL of a domain cannot be NOT VALID; use CHECK (VALUE IS NOT NULL)")
    parts = dotted(node.type_name).split(".")
    constraint.conname = constraint.conname or place.name(parts[-1], "check")
    constraint.skip_validation = True
    constraint.initially_valid = False
    name = ".".join(ident(p) for p in parts)
    return [
        Part(grammar.statement_text("alter_domain_stmt", node)),
        Part(f"ALTER DOMAIN {name} VALIDATE CONSTRAINT {ident(constraint.conname)}", Room.OWN, 1, "validate"),
    ]
