"""Indexes, those of constraints and of partitions too, and extended statistics."""

from __future__ import annotations

from ...sql.quote import ident, qualified
from ..model import ObjectId, SchemaObject
from . import trimmings
from .names import BUILD, FINISH, Step, own, relation
from .tables import options_changes

# What may differ without making the index anew.
_ALTERABLE = (
    "comment",
    "security_labels",
    "options",
    "tablespace",
    "clustered",
    "replica_identity",
    "statistics_targets",
)


def create(index: SchemaObject, *, attach: bool) -> list[Step]:
    """CREATE INDEX as the server prints it; an index of a constraint comes with that. attach: to its parent index."""
    p = index.properties
    steps = []
    if not p.get("constraint"):
        steps.append(Step(FINISH, str(p["definition"])))
    if attach and p.get("partition_of"):
        steps.append(Step(FINISH, f"ALTER INDEX {p['partition_of']} ATTACH PARTITION {own(index.id)}"))
    return steps + hanging({}, index, fresh=True)


def hanging(now: dict[str, object], index: SchemaObject, *, fresh: bool = False) -> list[Step]:
    """Statistics targets, CLUSTER mark and comment, where they differ from `now`."""
    p, steps = index.properties, []
    targets: dict[str, int] = p.get("statistics_targets") or {}
    had = now.get("statistics_targets") or {}
    had = had if isinstance(had, dict) else {}
    for number in sorted({*targets, *had}, key=int):
        if targets.get(number) != had.get(number):
            steps.append(
                Step(
                    FINISH,
                    f"ALTER INDEX {own(index.id)} ALTER COLUMN {number} SET STATISTICS {targets.get(number, -1)}",
                )
            )
    if p.get("clustered") and not now.get("clustered"):
        steps.append(Step(FINISH, f"ALTER TABLE {relation(index.id)} CLUSTER ON {ident(index.id.name)}"))
    if now.get("clustered") and not p.get("clustered"):
        steps.append(Step(BUILD, f"ALTER TABLE {relation(index.id)} SET WITHOUT CLUSTER"))
    if not fresh or p.get("constraint"):
        before = None if fresh else now.get("options")
        steps += [Step(FINISH, f"ALTER INDEX {own(index.id)} {c}") for c in options_changes(before, p.get("options"))]
        if not fresh and now.get("tablespace") != p.get("tablespace"):
            space = ident(p.get("tablespace") or "pg_default")
            steps.append(Step(FINISH, f"ALTER INDEX {own(index.id)} SET TABLESPACE {space}"))
    return steps + trimmings.changes(index.id, now, p, FINISH)


def drop(id: ObjectId) -> str:
    return f"DROP INDEX {own(id)}"


def can_alter(now: SchemaObject, wanted: SchemaObject) -> bool:
    """Whether everything but options, marks and comments agrees. The definition repeats options: it may differ there."""
    a = {k: v for k, v in now.properties.items() if k not in _ALTERABLE}
    b = {k: v for k, v in wanted.properties.items() if k not in _ALTERABLE}
    a["definition"], b["definition"] = _bare(a["definition"]), _bare(b["definition"])
    if not a.get("partition_of"):
        b.pop("partition_of", None)
    return a == b


def alter(now: SchemaObject, wanted: SchemaObject) -> list[Step]:
    steps = []
    if wanted.properties.get("partition_of") and not now.properties.get("partition_of"):
        parent = wanted.properties["partition_of"]
        steps.append(Step(FINISH, f"ALTER INDEX {parent} ATTACH PARTITION {own(wanted.id)}"))
    return steps + hanging(dict(now.properties), wanted)


def _bare(definition: object) -> str:
    """An index definition without WITH (...) and TABLESPACE."""
    text = str(definition)
    if " WITH (" in text:
        head, _, rest = text.partition(" WITH (")
        text = head + rest.partition(")")[2]
    return text


def create_statistics(statistics: SchemaObject, runs_as: str, version: int) -> list[Step]:
    steps = [Step(FINISH, str(statistics.properties["definition"]))]
    target = statistics.properties.get("statistics_target")
    if target is not None:
        steps.append(Step(FINISH, f"ALTER STATISTICS {own(statistics.id)} SET STATISTICS {target}"))
    return steps + trimmings.for_new(statistics, runs_as, version, FINISH)


def alter_statistics(now: SchemaObject, wanted: SchemaObject) -> list[Step] | None:
    """None when the object has to be made anew."""
    if now.properties["definition"] != wanted.properties["definition"]:
        return None
    steps = []
    before, after = now.properties.get("statistics_target"), wanted.properties.get("statistics_target")
    if before != after:
        name = qualified(wanted.id.schema, wanted.id.name)
        steps.append(Step(FINISH, f"ALTER STATISTICS {name} SET STATISTICS {-1 if after is None else after}"))
    return steps + trimmings.changes(wanted.id, now.properties, wanted.properties, FINISH)
