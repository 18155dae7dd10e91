"""What a rollback does not bring back, told before it is proven."""

from __future__ import annotations

from ..records import Loss
from ..schema.ddl.plan import Plan
from ..schema.model import ObjectId
from .capture import Capture, reason
from .preimages import kept_tables
from .study import Study


def expected(capture: Capture, found: Study, *, data: bool) -> tuple[Loss, ...]:
    """Losses that are certain: rows and columns of which nothing is kept."""
    if data:
        return ()
    lost = []
    for kept in kept_tables(found.before, found.old, found.new, found.written, capture.label, after=found.after):
        columns = tuple(c.name for c in (kept.lost or kept.converted)) if not kept.dropped and not kept.kinds else ()
        lost.append(Loss(f"{kept.table.schema}.{kept.table.name}", columns, None, f"no copy is kept: {reason(kept)}"))
    return tuple(lost)


def limits(capture: Capture) -> tuple[str, ...]:
    """What the rollback cannot do for rows written since, however well it was proven; such a one is not LOSSLESS."""
    mixed = [f"{k.table.schema}.{k.table.name}" for k in capture.tables if k.follows_rows]
    if not mixed or capture.together or capture.one_writer:
        return ()
    said = "changes that others made since cannot be told from the migration's and are taken back with them"
    return (f"{said}: {', '.join(mixed)}",)


def notes(found: Study, work: Plan, capture: Capture) -> tuple[str, ...]:
    """What goes with the rollback and is no loss of before, and what a person should know before running it."""
    lines = list(limits(capture))
    before, after = found.before.objects, found.after.objects
    kept_addresses = {found.new.by_id.get(n.id) for a, n in found.new.by_address.items() if a in found.old.by_address}
    tables = sorted(
        i for i in after if i.kind == "table" and i not in before and found.new.by_id.get(i) not in kept_addresses
    )
    if tables:
        lines.append(f"goes with all its rows: {', '.join(f'{t.schema}.{t.name}' for t in tables)}")
    gone = {(t.schema, t.name) for t in tables}
    columns = sorted(
        i
        for i in after
        if i.kind == "column"
        and i not in before
        and (i.schema, i.parent) not in gone
        and found.new.by_id.get(i) not in kept_addresses
        and any((i.schema, i.parent) == (t.schema, t.name) for t in after if t.kind == "table")
    )
    if columns:
        lines.append(f"goes with all its values: {', '.join(f'{c.schema}.{c.parent}.{c.name}' for c in columns)}")
    if relaxed := _relaxed(found):
        lines.append(f"stops when rows written since break what holds again: {', '.join(relaxed)}")
    if work.guarded:
        names = ", ".join(f"{c.schema}.{c.parent}.{c.name}" for c in work.guarded)
        lines.append(f"values written since that the old type cannot hold become NULL and are noted: {names}")
    if work.unsupported:
        lines.append(f"cannot be made anew: {', '.join(str(i) for i in work.unsupported)}")
    return tuple(lines)


def _relaxed(found: Study) -> list[str]:
    """What the migration stopped to demand of rows in tables that stay."""
    before, after = found.before, found.after
    said = []
    for id, obj in sorted(before.objects.items()):
        if id.kind == "column" and obj.properties.get("not_null"):
            named = found.new.at(found.old.by_id.get(id))
            there = after.objects.get(named.id) if named else None
            if there is not None and not there.properties.get("not_null"):
                said.append(f"NOT NULL of {id.schema}.{id.parent}.{id.name}")
        elif id.kind == "constraint" and not obj.properties.get("inherited"):
            table = found.old.by_id.get(ObjectId("table", id.schema, "", id.parent))
            if found.new.at(table) is not None and found.new.at(found.old.by_id.get(id)) is None:
                said.append(f"{id.name} on {id.schema}.{id.parent}")
    return said
