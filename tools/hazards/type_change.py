"""What ALTER COLUMN ... TYPE costs: nothing, a rewrite, or that cannot be told.

The server skips the rewrite when the conversion, after simplification, is the column itself: binary coercible types,
and length changes that their type's support function knows to be widening. Every pair here was measured on
PostgreSQL 18 (tests/tools/hazards/test_type_change.py measures them again).
Source: tablecmds.c, ATColumnChangeRequiresRewrite; manual, ALTER TABLE, Notes; pg_cast.castmethod = 'b'.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Any, NamedTuple

from ..sql import grammar
from .catalog import Catalog, Column, Table
from .shapes import Action, TypeRef, column_references, type_ref
from .step import Step


class Cost(StrEnum):
    """What the server does with the table's rows."""

    FREE = "free"
    INDEXES = "indexes"  # the rows stay, indexes on the column are built anew
    CHECKS = "checks"  # the rows stay, CHECK constraints on the column are verified again
    REWRITE = "rewrite"
    UNKNOWN = "unknown"


class Verdict(NamedTuple):
    """A cost and why, as the end of a sentence."""

    cost: Cost
    because: str = ""


# Types whose stored form is that of the other (first -> second), with any modifier lost or absent.
COERCIBLE = {
    ("text", "varchar"),
    ("text", "bpchar"),
    ("text", "citext"),
    ("varchar", "text"),
    ("varchar", "bpchar"),
    ("varchar", "citext"),
    ("citext", "text"),
    ("citext", "varchar"),
    ("citext", "bpchar"),
    ("xml", "text"),
    ("xml", "varchar"),
    ("xml", "bpchar"),
    ("cidr", "inet"),
    ("int4", "oid"),
    ("oid", "int4"),
    ("bit", "varbit"),
}
# regclass, regproc and the like are stored as oid is
REG = {"oid", "regclass", "regtype", "regproc", "regprocedure", "regoper", "regoperator", "regrole", "regnamespace"}
LENGTH_GROWS = {"varchar", "varbit"}  # length coercion that a support function can drop
PRECISION = {"timestamp", "timestamptz", "time", "timetz", "interval"}
# Between these the indexes of a column must be built anew although its rows stay: another operator class.
SAME_CLASS = [{"text", "varchar"}, {"inet", "cidr"}]

# Targets that text columns, the usual case, become without a rewrite: without the old type nothing can be said.
OFTEN_FREE = {
    "text",
    "varchar",
    "citext",
    "bpchar",
    "varbit",
    "numeric",
    "timestamp",
    "timestamptz",
    "time",
    "interval",
}
BUILTIN = OFTEN_FREE | {
    *(
        "int2 int4 int8 float4 float8 bool uuid json jsonb date bytea timetz money bit inet cidr macaddr xml oid name"
    ).split(),
    *(
        "point line lseg box path polygon circle tsvector tsquery int4range int8range numrange tsrange tstzrange"
    ).split(),
    *("daterange macaddr8 pg_lsn char hstore ltree").split(),
}


def cost_of_cast(old: TypeRef, new: TypeRef, catalog: Catalog, *, utc: bool = True) -> Verdict:
    """The cost of turning a column of one type into another with the plain cast. utc: the session's TimeZone is UTC."""
    if old == new:
        return Verdict(Cost.FREE)
    target, checked = catalog.under(new)
    source, _ = catalog.under(old)
    if checked and old.name != new.name:
        return Verdict(Cost.REWRITE, f"{new} is a domain with a constraint, which is checked for every row")
    if source == target:
        return Verdict(Cost.FREE)
    if source.dims or target.dims:
        if source.dims == target.dims and source.name == target.name and not target.mods:
            return Verdict(Cost.FREE)
        return Verdict(Cost.REWRITE, "every array is converted")
    if source.name == target.name:
        return _same_name(source, target)
    if {source.name, target.name} == {"timestamp", "timestamptz"}:
        if not utc:
            return Verdict(Cost.REWRITE, "the time zone of the session is not UTC")
        return _precision(TypeRef(target.name), target)
    if (source.name, target.name) in COERCIBLE or {source.name, target.name} <= REG | {"int4"}:
        if target.mods:
            return Verdict(Cost.REWRITE, f"each value is cut or checked to {target}")
        return Verdict(Cost.FREE)
    if source.name not in BUILTIN and target.name not in BUILTIN and not catalog.complete:
        return Verdict(Cost.UNKNOWN, f"what {old} and {new} are is not known")
    return Verdict(Cost.REWRITE, f"{old} and {new} are stored in different forms")


def _same_name(source: TypeRef, target: TypeRef) -> Verdict:
    if source.name in LENGTH_GROWS:
        if not target.mods or (source.mods and _number(target.mods[0]) >= _number(source.mods[0])):
            return Verdict(Cost.FREE)
        return Verdict(Cost.REWRITE, f"{target} is shorter than {source}")
    if source.name == "bpchar":
        return Verdict(Cost.FREE) if not target.mods else Verdict(Cost.REWRITE, "char(n) is padded anew")
    if source.name == "numeric":
        if not target.mods:
            return Verdict(Cost.FREE)
        if source.mods and _scale(source) == _scale(target) and _number(target.mods[0]) >= _number(source.mods[0]):
            return Verdict(Cost.FREE)
        return Verdict(Cost.REWRITE, f"{target} rounds differently or is narrower than {source}")
    if source.name in PRECISION:
        return _precision(source, target)
    return Verdict(Cost.REWRITE, f"{source} and {target} have different modifiers")


def _precision(source: TypeRef, target: TypeRef) -> Verdict:
    # An interval's first modifier is a mask of fields; all that reach down to SECOND (1 << 12) keep every value.
    cut = source.name == "interval" and source.mods[:1] != target.mods[:1] and bool(target.mods)
    if cut and not _number(target.mods[0]) & 1 << 12:
        return Verdict(Cost.REWRITE, "fields of the interval are cut")
    if _digits(target) < _digits(source) or (source.name in ("time", "timetz") and target.mods and not source.mods):
        return Verdict(Cost.REWRITE, f"{target} keeps fewer digits than {source}")
    if source.name != target.name and target.mods and _digits(target) < 6:
        return Verdict(Cost.REWRITE, f"{target} keeps fewer digits")
    return Verdict(Cost.FREE)


def _digits(kind: TypeRef) -> int:
    """The fractional digits of a time type; six where none are said."""
    mods = kind.mods[1:] if kind.name == "interval" else kind.mods
    return _number(mods[0]) if mods else 6


def _number(mod: int | str) -> int:
    return mod if isinstance(mod, int) else 0


def _scale(kind: TypeRef) -> int:
    return _number(kind.mods[1]) if len(kind.mods) > 1 else 0


def cast_chain(using: Any, column: str) -> tuple[TypeRef, ...] | None:
    """The types through which a USING expression casts the column, in order; () for the column itself, None for any
    other expression."""
    chain: list[TypeRef] = []
    while using.WhichOneof("node") == "type_cast":
        chain.append(type_ref(using.type_cast.type_name))
        using = using.type_cast.arg
    if using.WhichOneof("node") == "column_ref" and column_references(using) == (column,):
        return tuple(reversed(chain))
    return None


def cost_of_change(
    table: Table, column: Column, new: TypeRef, using: Any, collation: str, catalog: Catalog, *, utc: bool = True
) -> Verdict:
    """The cost of ALTER COLUMN ... TYPE for a column as far as it is known."""
    chain: tuple[TypeRef, ...] = ()
    if using is not None:
        found = cast_chain(using, column.name)
        if found is None:
            return Verdict(Cost.REWRITE, "the USING expression is computed for every row")
        chain = found
    if column.generated == "virtual":
        return Verdict(Cost.FREE)
    old = column.type
    if old is None:
        return _without_old_type(new, chain, catalog)
    steps = [*chain, new]
    at = old
    for step in steps:
        verdict = cost_of_cast(at, step, catalog, utc=utc)
        if verdict.cost is not Cost.FREE:
            return verdict
        at = step
    return _what_hangs_on_it(table, column, old, new, collation, catalog)


def _without_old_type(new: TypeRef, chain: tuple[TypeRef, ...], catalog: Catalog) -> Verdict:
    target, checked = catalog.under(new)
    if checked:
        return Verdict(Cost.REWRITE, f"{new} is a domain with a constraint, which is checked for every row")
    if any(step != new and step.name not in OFTEN_FREE for step in chain):
        return Verdict(Cost.REWRITE, f"the value goes through {chain[0]}")
    if target.name == "bpchar" and target.mods:
        return Verdict(Cost.REWRITE, "char(n) is padded anew")
    if target.name == "numeric" and target.mods:
        return Verdict(Cost.REWRITE, f"only a narrower numeric of the same scale becomes {new} without")
    if target.name in PRECISION and not target.dims and _digits(target) < 6:
        return Verdict(Cost.REWRITE, f"{new} keeps fewer digits than the usual six")
    if target.name in OFTEN_FREE or target.dims:
        return Verdict(Cost.UNKNOWN, f"some types become {new} without a rewrite and the column's is not known here")
    if target.name not in BUILTIN:
        return Verdict(Cost.UNKNOWN, f"what {new} is, is not known")
    return Verdict(Cost.REWRITE, f"no other type is stored as {new} is")


def _what_hangs_on_it(
    table: Table, column: Column, old: TypeRef, new: TypeRef, collation: str, catalog: Catalog
) -> Verdict:
    """What else the server does when the rows themselves stay as they are."""
    if old == new and collation == column.collation:
        return Verdict(Cost.FREE)
    pair = {catalog.under(old)[0].name, catalog.under(new)[0].name}
    other_class = len(pair) > 1 and not any(pair <= same for same in SAME_CLASS)
    other_collation = collation != column.collation
    for index in catalog.indexes_of(table.name):
        if column.name in index.columns and (other_class or other_collation or not index.plain):
            why = "its collation changes" if other_collation else "it sorts by other rules or has expressions"
            return Verdict(Cost.INDEXES, f"index {index.name} is built anew because {why}")
    for constraint in table.constraints.values():
        if constraint.kind == "check" and constraint.enforced and _names(constraint.expression, column.name):
            return Verdict(Cost.CHECKS, f"constraint {constraint.name} is checked again for every row")
    return Verdict(Cost.FREE)


def _names(expression: str, column: str) -> bool:
    try:
        [statement] = grammar.raw_statements(f"SELECT {expression}")
    except (grammar.GrammarError, ValueError):
        return True
    return column in column_references(statement.node)


def changes(step: Step) -> Iterator[tuple[Action, TypeRef, Verdict]]:
    """Each ALTER COLUMN ... TYPE of the statement on a table that was there before, with what it costs."""
    if not step.old:
        return
    for action in step.acts("AlterColumnType"):
        if action.column is None:
            continue
        form = action.column
        new = type_ref(form.node.type_name)
        verdict = cost_of_change(
            step.table,
            step.table.column(action.name),
            new,
            form.expression,
            form.collation,
            step.catalog,
            utc=step.context.time_zone.upper() in ("", "UTC", "GMT", "ETC/UTC"),
        )
        yield action, new, verdict
