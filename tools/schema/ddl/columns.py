"""Columns: made with their table or added to it, dropped, and turned from one form into another."""

from __future__ import annotations

from typing import Any

from ...sql.quote import ident, literal
from ..model import ObjectId, SchemaObject, Snapshot
from . import conversions, sequences, trimmings
from .names import BUILD, FINISH, Step, options_sql, relation


def alter_word(kind: str) -> str:
    return {
        "view": "ALTER VIEW",
        "materialized_view": "ALTER MATERIALIZED VIEW",
        "foreign_table": "ALTER FOREIGN TABLE",
    }.get(kind, "ALTER TABLE")


def clause(column: SchemaObject, target: Snapshot, *, not_null: bool, identity: bool = True) -> str:
    """The column as it stands in CREATE TABLE or ADD COLUMN: name, type, collation, default or generation."""
    p = column.properties
    parts = [ident(column.id.name), str(p["type"])]
    if p.get("fdw_options"):
        options = ", ".join(f"{ident(k)} {literal(str(v))}" for k, v in p["fdw_options"].items())
        parts.append(f"OPTIONS ({options})")
    if p.get("collation"):
        parts.append(f"COLLATE {p['collation']}")
    if p.get("generated"):
        parts.append(f"GENERATED ALWAYS AS ({p.get('expression', '')}) {str(p['generated']).upper()}")
    elif p.get("identity") and identity:
        parts.append(identity_clause(column, target))
    elif p.get("default") is not None:
        parts.append(f"DEFAULT {p['default']}")
    if not_null and p.get("not_null") and not _special_not_null(column):
        if _named_not_null(column, target):
            parts.append(f"CONSTRAINT {ident(p['not_null_name'])}")
        parts.append("NOT NULL")
    return " ".join(parts)


def identity_clause(column: SchemaObject, target: Snapshot) -> str:
    """GENERATED ... AS IDENTITY with the options of the sequence behind it where they are not the usual ones."""
    p = column.properties
    sequence = sequences.of_identity(column, target)
    options = sequences.identity_options(column, sequence) if sequence else ""
    return f"GENERATED {str(p['identity']).upper()} AS IDENTITY{f' ({options})' if options else ''}"


def attributes(column: SchemaObject, now: dict[str, Any], kind: str, target: Snapshot) -> list[Step]:
    """Storage, compression, statistics target, options, comment and column grants that differ from `now`."""
    p, steps = column.properties, []
    head = f"{alter_word(kind)} {relation(column.id)} ALTER COLUMN {ident(column.id.name)}"
    if p.get("storage") != now.get("storage"):
        steps.append(Step(BUILD, f"{head} SET STORAGE {str(p.get('storage') or 'DEFAULT').upper()}"))
    if p.get("compression") != now.get("compression"):
        steps.append(Step(BUILD, f"{head} SET COMPRESSION {p.get('compression') or 'DEFAULT'}"))
    if p.get("statistics_target") != now.get("statistics_target"):
        target_number = p.get("statistics_target")
        steps.append(Step(BUILD, f"{head} SET STATISTICS {-1 if target_number is None else target_number}"))
    before, after = now.get("options") or {}, p.get("options") or {}
    if gone := sorted(set(before) - set(after)):
        steps.append(Step(BUILD, f"{head} RESET ({', '.join(gone)})"))
    if changed := {k: v for k, v in after.items() if before.get(k) != v}:
        steps.append(Step(BUILD, f"{head} SET ({options_sql(changed)})"))
    return steps + trimmings.changes(column.id, now, p)


def create(column: SchemaObject, kind: str, target: Snapshot, runs_as: str) -> list[Step]:
    """ADD COLUMN; NOT NULL and identity come after the rows are back."""
    p = column.properties
    late_identity = bool(p.get("identity"))
    steps = [
        Step(
            BUILD,
            f"{alter_word(kind)} {relation(column.id)} ADD COLUMN "
            f"{clause(column, target, not_null=False, identity=not late_identity)}",
        )
    ]
    steps += attributes(column, {}, kind, target)
    if p.get("not_null") and not p.get("not_null_inherited"):
        steps.append(set_not_null(column, kind, target))
    if late_identity:
        head = f"ALTER TABLE {relation(column.id)} ALTER COLUMN {ident(column.id.name)}"
        steps.append(Step(FINISH, f"{head} ADD {identity_clause(column, target)}"))
        sequence = sequences.of_identity(column, target)
        if sequence:
            steps += trimmings.for_new(sequence, runs_as, target.server_version, FINISH)
    return steps


def drop(id: ObjectId, kind: str) -> str:
    return f"{alter_word(kind)} {relation(id)} DROP COLUMN {ident(id.name)}"


def set_not_null(column: SchemaObject, kind: str, target: Snapshot) -> Step:
    """NOT NULL as it was: named, not validated or not inherited where the server knows that (18 and newer)."""
    p = column.properties
    table = f"{alter_word(kind)} {relation(column.id)}"
    name = ident(column.id.name)
    if _special_not_null(column) or _named_not_null(column, target):
        made = (
            f"{table} ADD CONSTRAINT {ident(p.get('not_null_name') or usual_not_null_name(column.id))} NOT NULL {name}"
        )
        made += " NO INHERIT" if p.get("not_null_no_inherit") else ""
        made += " NOT VALID" if p.get("not_null_invalid") else ""
        return Step(FINISH, made)
    return Step(FINISH, f"{table} ALTER COLUMN {name} SET NOT NULL")


def usual_not_null_name(id: ObjectId) -> str:
    """The name that the server gives a NOT NULL constraint by itself, when it fits into an identifier."""
    return f"{id.parent}_{id.name}_not_null"


def _named_not_null(column: SchemaObject, target: Snapshot) -> bool:
    name = column.properties.get("not_null_name")
    usual = usual_not_null_name(column.id)
    return bool(name) and target.server_version >= 180000 and name != usual and len(usual.encode()) < 64


def _special_not_null(column: SchemaObject) -> bool:
    return bool(column.properties.get("not_null_invalid") or column.properties.get("not_null_no_inherit"))


def can_alter(now: SchemaObject, wanted: SchemaObject, version: int) -> bool:
    """Whether ALTER COLUMN gets from one to the other; else the column has to be dropped and added."""
    a, b = now.properties, wanted.properties
    if (a.get("generated"), a.get("expression")) == (b.get("generated"), b.get("expression")):
        return not (a.get("generated") and a["type"] != b["type"])
    if a.get("generated") and a.get("generated") == b.get("generated"):
        return version >= 170000 and a["type"] == b["type"]
    return a.get("generated") == "stored" and not b.get("generated")


def retyped(now: SchemaObject, wanted: SchemaObject) -> bool:
    """Whether type or collation differ."""
    a, b = now.properties, wanted.properties
    return (a.get("type"), a.get("collation")) != (b.get("type"), b.get("collation"))


def alter(
    now: SchemaObject,
    wanted: SchemaObject,
    kind: str,
    source: Snapshot,
    target: Snapshot,
    *,
    retype: bool,
    redefault: bool,
    runs_as: str,
    in_key: bool,
) -> list[Step]:
    """Statements that turn column `now` into `wanted`.

    retype: the type is made anew under the same name, so the column has to be moved to it.
    in_key: it stands in a primary key that stays, so it cannot be NULL for a while.
    redefault: the default was taken away before (see `without_default`) and is set again whatever it was.
    """
    a, b = now.properties, wanted.properties
    head = f"{alter_word(kind)} {relation(wanted.id)} ALTER COLUMN {ident(wanted.id.name)}"
    steps: list[Step] = []
    follows = bool(a.get("inherited") and b.get("inherited") and not b.get("also_local"))
    if b.get("generated") and a.get("expression") != b.get("expression"):
        steps.append(Step(BUILD, f"{head} SET EXPRESSION AS ({b.get('expression')})"))
    if a.get("generated") and not b.get("generated"):
        steps.append(Step(BUILD, f"{head} DROP EXPRESSION"))
    changed_type = retype or retyped(now, wanted)
    free = not (follows or a.get("not_null_inherited") or a.get("identity") or in_key)
    unwanted = not b.get("not_null") or (changed_type and conversions.guarded(a, b, source))
    if a.get("not_null") and free and unwanted:
        steps.append(Step(BUILD, f"{head} DROP NOT NULL"))
        a = {**a, "not_null": None}
    if changed_type and not follows:
        collate = f" COLLATE {b['collation']}" if b.get("collation") else ""
        using = conversions.using(now, wanted, source, retype=retype, target=target)
        steps.append(Step(BUILD, f"{head} TYPE {b['type']}{collate}{using}"))
    if not b.get("generated"):
        had = None if redefault else a.get("default")
        if a.get("generated"):
            had = None
        if b.get("default") != had and not b.get("identity"):
            tail = f"SET DEFAULT {b['default']}" if b.get("default") is not None else "DROP DEFAULT"
            steps.append(Step(BUILD, f"{head} {tail}"))
    if b.get("not_null") and not b.get("not_null_inherited") and _not_null_differs(a, b):
        if a.get("not_null") and not a.get("not_null_inherited"):
            steps.append(Step(BUILD, f"{head} DROP NOT NULL"))
        steps.append(set_not_null(wanted, kind, target))
    elif b.get("not_null") and a.get("not_null_inherited") and not b.get("not_null_inherited"):
        steps.append(set_not_null(wanted, kind, target))  # a parent's becomes the column's own as well
    if b.get("identity") and a.get("identity") != b.get("identity") and not follows:
        if a.get("identity"):
            steps.append(Step(BUILD, f"{head} SET GENERATED {str(b['identity']).upper()}"))
        else:
            if a.get("default") is not None and not redefault:
                steps.append(Step(BUILD, f"{head} DROP DEFAULT"))
            steps.append(Step(FINISH, f"{head} ADD {identity_clause(wanted, target)}"))
            sequence = sequences.of_identity(wanted, target)
            if sequence:
                steps += trimmings.for_new(sequence, runs_as, target.server_version, FINISH)
    fdw_before, fdw_after = a.get("fdw_options") or {}, b.get("fdw_options") or {}
    if fdw_before != fdw_after:
        changes = [f"DROP {ident(k)}" for k in sorted(set(fdw_before) - set(fdw_after))]
        for k in sorted(fdw_after):
            if fdw_before.get(k) != fdw_after[k]:
                verb = "SET" if k in fdw_before else "ADD"
                changes.append(f"{verb} {ident(k)} '{str(fdw_after[k]).replace(chr(39), chr(39) * 2)}'")
        steps.append(Step(BUILD, f"{head} OPTIONS ({', '.join(changes)})"))
    kept = dict(a)
    if changed_type:  # a change of type puts storage and statistics back to the type's own
        kept.pop("storage", None)
        kept.pop("compression", None) if not b.get("compression") else None
        kept.pop("statistics_target", None) if b.get("statistics_target") is None else None
    return steps + attributes(wanted, kept, kind, target)


def _not_null_differs(a: Any, b: Any) -> bool:
    names = ("not_null", "not_null_invalid", "not_null_no_inherit")
    return any(bool(a.get(n)) != bool(b.get(n)) for n in names)


def without_identity(id: ObjectId) -> str:
    """The identity taken away, and with it its sequence, whose name may be wanted."""
    return f"ALTER TABLE {relation(id)} ALTER COLUMN {ident(id.name)} DROP IDENTITY"


def without_default(id: ObjectId, kind: str) -> str:
    """The default taken away for a while, because what it calls is made anew or its type changes."""
    return f"{alter_word(kind)} {relation(id)} ALTER COLUMN {ident(id.name)} DROP DEFAULT"
