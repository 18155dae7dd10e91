"""Rows whose foreign key would point nowhere."""

from __future__ import annotations

from collections.abc import Sequence

from ...sql.quote import ident
from ..counting import any_of, rows
from ..facts import Relation
from ..model import Precondition, Work

MEND = "Give each such row a parent, set its key to NULL, or delete it, before the constraint is added."


def orphans(
    child: Relation,
    columns: Sequence[str],
    parent: Relation | None,
    referenced: Sequence[str],
    *,
    match_full: bool = False,
    new_parent: str = "",
) -> Precondition:
    """Every row with a key has its parent row. parent: None for one that the plan makes and leaves empty (its name is
    `new_parent`): then no row may have a key. Source: manual, CREATE TABLE, MATCH SIMPLE and MATCH FULL."""
    own = [f"c.{ident(c)}" for c in columns]
    key = ", ".join(ident(c) for c in columns)
    whole = " AND ".join(f"{c} IS NOT NULL" for c in own)
    applies = any_of([f"{c} IS NOT NULL" for c in own]) if match_full else whole
    source = child.source(alone=True, alias="c")
    obstacle = ""
    if parent is None:
        found = f"FROM {source} WHERE {applies}"
    else:
        names = [*(child.columns[c] for c in columns if c in child.columns)]
        theirs = [*(parent.columns[c] for c in referenced if c in parent.columns)]
        if len(names) != len(columns) or len(theirs) != len(columns):
            obstacle = "the target lacks a column of the key now"
        elif odd := [c for c in (*names, *theirs) if not c.plain]:
            obstacle = f"{odd[0].name} has the type {odd[0].type}, which is not the server's own"
        match = " AND ".join(f"p.{ident(r)} = {c}" for r, c in zip(referenced, own, strict=False))
        exists = f"EXISTS (SELECT FROM {parent.source(alone=True, alias='p')} WHERE {match})"
        found = f"FROM {source} WHERE ({applies}) AND NOT (({whole}) AND {exists})"
    title = parent.title if parent else new_parent
    return Precondition(
        "orphans",
        f"every ({key}) of {child.title} has its row in {title}",
        f"rows of {child.title} whose ({key}) points to no row of {title}",
        MEND,
        "" if obstacle else rows(found),
        obstacle,
        Work.LOOKUP,
        rows=child.rows + (parent.rows if parent else 0),
        columns=tuple(columns),
    )
