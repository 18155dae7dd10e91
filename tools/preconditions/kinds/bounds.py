"""Rows outside of a partition's bounds, and rows of the default partition that belong into a new one.

Source: manual, CREATE TABLE, PARTITION OF: ranges take the lower bound and leave the upper one out; NULL is in no range;
MINVALUE and MAXVALUE end the comparison of several columns.
"""

from __future__ import annotations

from typing import Any

from ...sql import grammar
from ...sql.quote import ident
from ..counting import rows
from ..facts import Facts, Relation
from ..model import Precondition
from ..safe import unsafe

MOVE = "Move those rows where they belong first, in batches."


def outside(parent: Relation, child: Relation, bound: Any, facts: Facts) -> Precondition:
    """Every row of a table that becomes a partition is within its bounds."""
    return _asked("outside", parent, child, bound, facts)


def of_default(parent: Relation, default: Relation, bound: Any, facts: Facts) -> Precondition:
    """No row of the default partition belongs into the new partition."""
    return _asked("default-rows", parent, default, bound, facts)


def _asked(kind: str, parent: Relation, held: Relation, bound: Any, facts: Facts) -> Precondition:
    inside, obstacle = within(parent, held, bound, facts)
    wrong = f"({inside}) IS NOT TRUE" if kind == "outside" else f"({inside})"
    words = (
        (
            f"every row of {held.title} is within the bounds of the new partition of {parent.title}",
            f"rows of {held.title} outside of the bounds of the new partition of {parent.title}",
        )
        if kind == "outside"
        else (
            f"no row of the default partition {held.title} belongs into the new partition",
            f"rows of the default partition {held.title} that belong into the new partition",
        )
    )
    return Precondition(
        kind,
        *words,
        MOVE,
        "" if obstacle else rows(f"FROM {held.source()} WHERE {wrong}"),
        obstacle,
        columns=parent.key or (),
    )


def within(parent: Relation, held: Relation, bound: Any, facts: Facts) -> tuple[str, str]:
    """(the condition that a row is within the bounds, why it cannot be asked or "")."""
    if bound.is_default:
        return "", "the rows that other partitions take are not worked out"
    if parent.key is None:
        return "", f"{parent.title} is partitioned by an expression, or not at all"
    if missing := [c for c in parent.key if c not in held.columns or not held.columns[c].plain]:
        return "", f"{missing[0]} is not there now, or not of a type of the server's own"
    names = [ident(c) for c in parent.key]
    if parent.strategy == "h":
        keys = ", ".join(names)
        return f"satisfies_hash_partition({parent.oid}, {bound.modulus}, {bound.remainder}, {keys})", ""
    datums = [*bound.listdatums, *bound.lowerdatums, *bound.upperdatums]
    for datum in datums:
        if not _edge(datum) and (why := unsafe(datum, held, facts)):
            return "", why
    if parent.strategy == "l":
        values = [grammar.printed(d) for d in bound.listdatums if not _is_null(d)]
        parts = [f"{names[0]} IN ({', '.join(values)})"] if values else []
        parts += [f"{names[0]} IS NULL"] if len(values) < len(bound.listdatums) else []
        return " OR ".join(parts), ""
    filled = " AND ".join(f"{n} IS NOT NULL" for n in names)
    lower = _beyond(names, list(bound.lowerdatums), lower=True)
    upper = _beyond(names, list(bound.upperdatums), lower=False)
    return f"{filled} AND {lower} AND {upper}", ""


def _beyond(names: list[str], datums: list[Any], *, lower: bool) -> str:
    """The columns are at or above the lower bound, or below the upper one, the first column weighing most."""
    name, datum = names[0], datums[0]
    edge = _edge(datum)
    if edge == "minvalue":
        return "true" if lower else "false"
    if edge == "maxvalue":
        return "false" if lower else "true"
    value = grammar.printed(datum)
    strict = f"{name} {'>' if lower else '<'} {value}"
    if len(names) == 1:
        return f"{name} >= {value}" if lower else strict
    return f"({strict} OR ({name} = {value} AND {_beyond(names[1:], datums[1:], lower=lower)}))"


def _edge(datum: Any) -> str:
    if datum.WhichOneof("node") != "column_ref":
        return ""
    name = str(datum.column_ref.fields[-1].string.sval)
    return name if name in ("minvalue", "maxvalue") else ""


def _is_null(datum: Any) -> bool:
    return datum.WhichOneof("node") == "a_const" and bool(datum.a_const.isnull)
