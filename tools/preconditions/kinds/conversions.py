"""Values that a column's new type does not take: casts that fail, strings too long, numbers out of range.

Source: manual, ALTER TABLE, SET DATA TYPE; 8.3 "Character Types" (an assignment fails where an explicit cast cuts, and
blanks at the end are cut in silence); 8.1 "Numeric Types"; 9.27 pg_input_is_valid (16 and newer).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...hazards.shapes import ColumnForm, TypeRef, type_of_text
from ...hazards.type_change import cast_chain
from ...sql import grammar
from ...sql.quote import ident, literal
from ..counting import rows
from ..facts import Column, Facts, Relation, Type
from ..model import Precondition
from ..safe import unsafe

STRINGS = ("text", "varchar", "bpchar", "name")
INTEGERS = {"int2": 15, "int4": 31, "int8": 63}  # bits without the sign
FLOATS = ("float4", "float8")
NUMBERS = (*INTEGERS, "numeric", *FLOATS)
WITHOUT_FAIL = {
    *((i, j) for i in INTEGERS for j in INTEGERS if INTEGERS[i] <= INTEGERS[j]),
    *((i, f) for i in INTEGERS for f in FLOATS),
    *[("float4", "float8"), ("date", "timestamp"), ("date", "timestamptz"), ("timestamp", "timestamptz")],
    *[("timestamptz", "timestamp"), ("timestamp", "date"), ("timestamptz", "date"), ("jsonb", "json")],
    *[("bool", "int4"), ("int4", "bool"), ("cidr", "inet"), ("timestamp", "time"), ("timestamptz", "time")],
}
SOFT = 160000  # pg_input_is_valid


@dataclass(frozen=True, slots=True)
class Change:
    """One ALTER COLUMN ... TYPE. labels: of an enum that the plan itself makes. new: the type as the target knows it."""

    relation: Relation
    column: Column
    form: ColumnForm
    target: TypeRef
    new: Type | None
    labels: tuple[str, ...] | None
    alone: bool


def conversions(change: Change, facts: Facts) -> list[Precondition]:
    """What must hold of the values so that the new type takes them; nothing for a conversion that takes every value."""
    using = change.form.expression
    chain = cast_chain(using, change.column.name) if using is not None else ()
    source = type_of_text(change.column.base)
    if source is None:
        return [_not_asked(change, f"the type {change.column.base} is not understood")]
    if change.labels is not None:
        return _of_labels(change, chain, source)
    if "citext" in (last := (source.name.rpartition(".")[2], change.target.name.rpartition(".")[2])) and using is None:
        # the extension's string type, cast to text and back without any code
        if last[1] == "citext" and last[0] in (*STRINGS, "citext"):
            return []
        if last[1] in STRINGS:
            return _of_length(change, source, False)
    if change.new is None:
        return [_not_asked(change, f"the type {change.target} is not there now")]
    if change.new.kind not in ("b", "e", "d", "r", "m") or (change.new.kind == "b" and not change.new.own):
        return [_not_asked(change, f"the type {change.target} is not the server's own")]
    if change.new.foreign_code:
        return [_not_asked(change, f"the type {change.target} runs code that is not the server's own")]
    for check in change.new.checks:
        if why := _of_check(check, change, facts):
            return [_not_asked(change, f"{change.target} has a condition: {why}")]
    if not change.column.plain:
        return [_not_asked(change, f"{change.column.type} is not a type of the server's own")]
    if chain is None:
        return _of_expression(change, using, facts)
    return _of_column(change, chain, source, facts)


def _of_check(check: str, change: Change, facts: Facts) -> str:
    """Why a domain's condition may not be computed, or ""."""
    [statement] = grammar.raw_statements(f"ALTER DOMAIN d ADD {check}")
    condition = getattr(statement.node, "def").constraint.raw_expr
    return unsafe(condition, change.relation, facts, value=change.column.name)


def _of_column(change: Change, chain: tuple[TypeRef, ...], source: TypeRef, facts: Facts) -> list[Precondition]:
    """The column itself, cast through the types of USING."""
    target, name, explicit = change.target, ident(change.column.name), bool(chain)
    if any(step.name not in STRINGS or step.mods for step in chain[:-1]) or (
        explicit and chain[-1].name not in (*STRINGS, target.name)
    ):
        return [_trial(change, grammar.printed(change.form.expression))]
    if explicit and chain[-1].name == target.name and chain[-1] != target:
        return [_trial(change, grammar.printed(change.form.expression))]
    through_text = any(step.name in STRINGS for step in chain[:-1])
    if change.new is not None and change.new.kind in ("d", "r", "m"):
        return [_trial(change, name)]
    if target.dims or source.dims:
        return [] if source == target else [_trial(change, name)]
    if source == target and not through_text:
        return []
    if target.name in STRINGS:
        return _of_length(change, source, explicit)
    if source.name in NUMBERS and target.name in INTEGERS and not through_text:
        return _of_integer(change, source)
    if source.name in NUMBERS and target.name == "numeric" and not through_text:
        return _of_numeric(change, source)
    if (source.name, target.name) in WITHOUT_FAIL:
        return []
    soft = source.name in ("text", "varchar", "name", "json") or through_text or change.column.base_kind == "e"
    if soft and facts.version >= SOFT and change.new is not None and not target.mods:
        valid = f"pg_input_is_valid({name}::text, {literal(change.new.name)})"
        return [_asked(change, "conversions", f"NOT {valid}", f"that are no {target}")]
    return [_trial(change, name)]


def _of_length(change: Change, source: TypeRef, explicit: bool) -> list[Precondition]:
    """A string of limited length: too long ones fail, or are cut where USING casts."""
    target, name = change.target, ident(change.column.name)
    if target.name not in ("varchar", "bpchar") or not target.mods or not isinstance(target.mods[0], int):
        return []
    length = target.mods[0]
    if source.name == target.name and source.mods and int(source.mods[0]) <= length:
        return []
    shown = f"{name}::text"
    if explicit:
        return [_asked(change, "cut", f"char_length({shown}) > {length}", f"that are cut to {target}", told=True)]
    return [_asked(change, "too-long", f"char_length(rtrim({shown}, ' ')) > {length}", f"longer than {target}")]


def _of_integer(change: Change, source: TypeRef) -> list[Precondition]:
    """An integer: what is out of range fails; what stands after the point is rounded away."""
    name, bits = ident(change.column.name), INTEGERS[change.target.name]
    if source.name in INTEGERS:
        if INTEGERS[source.name] <= bits:
            return []
        return [_out_of_range(change, f"{name} NOT BETWEEN {-(2**bits)} AND {2**bits - 1}")]
    if source.name in FLOATS:
        bound = f"{2**bits}::float8"
        found = [_out_of_range(change, f"round({name}::float8) < -{bound} OR round({name}::float8) >= {bound}")]
    else:
        found = [_out_of_range(change, f"round({name}) NOT BETWEEN {-(2**bits)} AND {2**bits - 1}")]
    if source.name == "numeric" and len(source.mods) < 2 and source.mods:
        return found  # numeric(p) has no places after the point
    rounded = f"{name} <> trunc({name})"
    return [*found, _asked(change, "cut", rounded, f"that are rounded to {change.target}", told=True)]


def _of_numeric(change: Change, source: TypeRef) -> list[Precondition]:
    """A number of limited digits: what has more before the point fails, what has more after it is rounded."""
    target, name = change.target, ident(change.column.name)
    mods = [m for m in target.mods if isinstance(m, int)]
    if not mods:
        return []
    digits, scale = mods[0], mods[1] if len(mods) > 1 else 0
    own = [m for m in source.mods if isinstance(m, int)]
    if source.name == "numeric" and own:
        own_scale = own[1] if len(own) > 1 else 0
        if own[0] - own_scale <= digits - scale and own_scale <= scale:
            return []
    value = f"{name}::numeric"
    bad = f"abs(round({value}, {scale})) >= 10::numeric ^ {digits - scale} AND {value} <> 'NaN'::numeric"
    found = [_out_of_range(change, bad)]
    if source.name not in INTEGERS or scale < 0:
        cut = f"{value} <> round({value}, {scale})"
        found.append(_asked(change, "cut", cut, f"that are rounded to {target}", told=True))
    return found


def _of_labels(change: Change, chain: tuple[TypeRef, ...] | None, source: TypeRef) -> list[Precondition]:
    """An enum that the plan makes: its labels are known, the type is not there yet."""
    labels = change.labels or ()
    if chain is None or (source.name not in STRINGS and change.column.base_kind != "e") or source.name == "bpchar":
        return [_not_asked(change, f"the type {change.target} is not there yet")]
    listed = ", ".join(literal(label) for label in labels)
    bad = f"{ident(change.column.name)}::text <> ALL (ARRAY[{listed}]::text[])"
    return [_asked(change, "labels", bad, f"that are no label of {change.target}")]


def _of_expression(change: Change, using: Any, facts: Facts) -> list[Precondition]:
    """Any other USING: computed for every row, as the statement will, with nothing kept."""
    text = grammar.printed(using)
    why = unsafe(using, change.relation, facts) if text else "its expression cannot be written down"
    return [_not_asked(change, why)] if why else [_trial(change, text)]


def _out_of_range(change: Change, bad: str) -> Precondition:
    return _asked(change, "out-of-range", bad, f"out of the range of {change.target}")


def _asked(change: Change, kind: str, bad: str, words: str, *, told: bool = False) -> Precondition:
    where = f"{change.relation.title}.{ident(change.column.name)}"
    return Precondition(
        kind,
        f"no value of {where} is one of those {words}",
        f"values of {where} {words}",
        "Look whether that is meant; nothing fails." if told else "Mend those values first, or convert them in USING.",
        rows(f"FROM {change.relation.source(alone=change.alone)} WHERE {bad}"),
        columns=(change.column.name,),
        information=told,
    )


def _trial(change: Change, text: str) -> Precondition:
    """The conversion itself, computed for every row: an error of class 22 or 23 is the answer."""
    where = f"{change.relation.title}.{ident(change.column.name)}"
    target = change.new.name if change.new is not None else str(change.target)
    mods = f"({','.join(map(str, change.target.mods))})" if change.target.mods else ""
    return Precondition(
        "conversions",
        f"every value of {where} can become {change.target}",
        f"values of {where} that cannot become {change.target}",
        "Mend those values first, or convert them in USING.",
        f"SELECT count(({text})::{target}{mods}{'[]' * change.target.dims}) * 0 AS count"
        f" FROM {change.relation.source(alone=change.alone)}",
        columns=(change.column.name,),
        trial=True,
    )


def _not_asked(change: Change, why: str) -> Precondition:
    where = f"{change.relation.title}.{ident(change.column.name)}"
    return Precondition(
        "conversions",
        f"every value of {where} can become {change.target}",
        "",
        obstacle=why,
        columns=(change.column.name,),
    )
