"""Steps that several safe forms are made of: NOT NULL without a scan under a lock, constraints in two steps, unique
indexes that become constraints."""

from __future__ import annotations

from typing import Any

from ...sql import grammar
from ...sql.quote import ident, qualified
from ..learn_table import constraint_name
from ..shapes import Action, ConstraintForm, column_references
from .place import Place
from .registry import NoForm, Part, Room

VALIDATE = "validate"
OLDEST_SPARED = 12  # from here on a valid CHECK spares SET NOT NULL the scan
NOT_NULL_LATER = 18  # from here on NOT NULL itself can be NOT VALID


def name_of(place: Place, constraint: ConstraintForm, otherwise: str = "") -> str:
    """A constraint's name: as written, or as the server gave it when the original ran."""
    if constraint.name:
        return constraint.name
    guess = otherwise or constraint_name(place.step.table, constraint)
    if place.after is None:
        return guess
    table = place.table.id
    there = {c.id for c in place.before.children(table, "constraint")}
    columns = set(constraint.columns)
    if constraint.kind == "check":
        columns = set(column_references(constraint.expression))
    found = [
        c.id.name
        for c in place.after.children(table, "constraint")
        if c.id not in there
        and c.properties["type"] == constraint.kind
        and set(c.properties.get("columns", ())) == columns
    ]
    return found[0] if len(found) == 1 else guess


def not_null(place: Place, column: str, name: str = "", *, start: int = 0) -> list[Part]:
    """NOT NULL on a column of the statement's relation, its rows read while everybody works.

    name: of the NOT NULL constraint, "" for the server's. start: the phase to begin in: after the old rows have got
    their values, since a constraint that is NOT VALID already stops updates of rows that it does not fit.
    Source: manual, ALTER TABLE, SET NOT NULL; ADD CONSTRAINT ... NOT NULL ... NOT VALID from 18 on.
    """
    if place.version < OLDEST_SPARED:
        raise NoForm(f"before PostgreSQL {OLDEST_SPARED} SET NOT NULL reads every row whatever is known of them")
    where = ident(column)
    if place.version >= NOT_NULL_LATER:
        name = name or place.name(place.short, column, "not_null")
        return [
            Part(place.alter(f"ADD CONSTRAINT {ident(name)} NOT NULL {where} NOT VALID"), phase=start),
            Part(place.alter(f"VALIDATE CONSTRAINT {ident(name)}"), Room.OWN, start + 1, VALIDATE),
        ]
    helper = ident(place.name(place.short, column, "filled"))
    return [
        Part(place.alter(f"ADD CONSTRAINT {helper} CHECK ({where} IS NOT NULL) NOT VALID"), phase=start),
        Part(place.alter(f"VALIDATE CONSTRAINT {helper}"), Room.OWN, start + 1, VALIDATE),
        Part(place.alter(f"ALTER COLUMN {where} SET NOT NULL"), phase=start + 2, step="finish"),
        Part(place.alter(f"DROP CONSTRAINT {helper}"), phase=start + 2, step="finish"),
    ]


def validated_later(place: Place, action: Action, name: str) -> list[Part]:
    """The constraint that the action adds, NOT VALID first and validated in a transaction of its own."""
    last = Part(place.alter(f"VALIDATE CONSTRAINT {ident(name)}"), Room.OWN, 1, VALIDATE)
    if len(place.step.actions) == 1 and action.constraint is not None and action.constraint.name:
        text = place.step.text
        return [Part(f"{text}{chr(10) if '--' in text.rpartition(chr(10))[2] else ' '}NOT VALID"), last]
    command = copy_of(action.node)
    constraint = getattr(command, "def").constraint
    constraint.conname = name
    constraint.skip_validation = True
    constraint.initially_valid = False
    return [Part(place.only([command])), last]


def unique_index(place: Place, constraint: Any, name: str, kind: str, *, finish: int = 2) -> list[Part]:
    """A UNIQUE or PRIMARY KEY constraint (a parser's node with its columns in `keys`) from an index built before it.

    Source: manual, ALTER TABLE, ADD table_constraint_using_index.
    """
    if place.step.table.partitioned or place.partitioned:
        raise NoForm("an index of a partitioned table cannot be built CONCURRENTLY as a whole")
    if getattr(constraint, "without_overlaps", False):
        raise NoForm("a key WITHOUT OVERLAPS cannot be made from an index that is there")
    columns = ", ".join(ident(k.string.sval) for k in constraint.keys)
    include = ", ".join(ident(k.string.sval) for k in constraint.including)
    build = f"CREATE UNIQUE INDEX CONCURRENTLY {ident(name)} ON {place.sql} ({columns})"
    build += f" INCLUDE ({include})" if include else ""
    build += " NULLS NOT DISTINCT" if constraint.nulls_not_distinct else ""
    options = ", ".join(f"{o.def_elem.defname} = {grammar.printed(o.def_elem.arg)}" for o in constraint.options)
    build += f" WITH ({options})" if options else ""
    build += f" TABLESPACE {ident(constraint.indexspace)}" if constraint.indexspace else ""
    words = " DEFERRABLE" if constraint.deferrable else ""
    words += " INITIALLY DEFERRED" if constraint.initdeferred else ""
    return [
        Part(build, Room.OUTSIDE, 1, "index"),
        Part(
            place.alter(f"ADD CONSTRAINT {ident(name)} {kind} USING INDEX {ident(name)}{words}"),
            phase=finish,
            step="finish",
        ),
    ]


def copy_of(message: Any) -> Any:
    """A copy of a parser's message, to be changed."""
    made = type(message)()
    made.CopyFrom(message)
    return made


def title(obj: Any) -> str:
    """A schema object's name as SQL."""
    return qualified(obj.id.schema, obj.id.name)
