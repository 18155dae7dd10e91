"""The statements that turn one schema into another, complete and in order."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from ..model import ObjectId, SchemaObject, Snapshot
from . import columns, conversions, renames
from .alters import Alters
from .closure import Closure
from .creates import Creates
from .drops import Drops
from .names import TABLE_KINDS, Step
from .units import Units


@dataclass(frozen=True, slots=True)
class Plan:
    """Ordered steps, and what the data part has to know: tables, columns and sequences that are made anew; triggers
    and rules that stay; columns whose values become NULL where the wanted type cannot hold them (guarded)."""

    steps: tuple[Step, ...]
    remade_tables: tuple[ObjectId, ...] = ()
    remade_columns: tuple[ObjectId, ...] = ()
    remade_sequences: tuple[ObjectId, ...] = ()
    guarded: tuple[ObjectId, ...] = ()
    triggers_kept: tuple[SchemaObject, ...] = ()
    unsupported: tuple[ObjectId, ...] = ()

    def statements(self, *phases: int) -> list[str]:
        """The SQL of the steps, of some phases only when they are named."""
        return [s.sql for s in self.steps if not phases or s.phase in phases]


def ddl_for(changes: Iterable[Any], before: Snapshot, after: Snapshot, *, runs_as: str = "") -> list[str]:
    """Statements, without semicolons, that turn the schema `after` back into `before`, in an order that works.

    changes: as `diff.diff(before, after)` gives them; renames among them are undone first, by name. Column order is
    not restored. runs_as: the role that will run them; objects made anew for it get no ALTER ... OWNER TO.
    """
    pairs = {c.after.id: c.before.id for c in changes if c.kind == "renamed" and c.after and c.before}
    first = [sql for a, b in sorted(pairs.items()) for sql in renames.statements(a, b)]
    return first + plan(renames.renamed(after, pairs), before, runs_as=runs_as).statements()


def plan(
    source: Snapshot,
    target: Snapshot,
    *,
    runs_as: str = "",
    labels_may_be_added: bool = True,
    anew: Collection[ObjectId] = (),
) -> Plan:
    """The plan from the schema `source` to the schema `target`.

    labels_may_be_added: False when rows with an enum's label are written in the same transaction. anew: objects of both that are
    made anew although they could stay.
    """
    work = Closure(source, target, labels_may_be_added=labels_may_be_added, anew=anew)
    units = Units()
    creates = Creates(work, units, runs_as)
    alters = Alters(work, units, creates)
    alters.rename_identities()
    Drops(work, units).add()
    creates.add()
    alters.add()
    anew = work.drop & work.create
    return Plan(
        steps=tuple(units.steps()),
        remade_tables=tuple(sorted(i for i in anew if i.kind in TABLE_KINDS)),
        remade_columns=tuple(sorted(i for i in anew if i.kind == "column")),
        remade_sequences=tuple(sorted(i for i in anew if i.kind == "sequence")),
        triggers_kept=tuple(
            o
            for kind in ("trigger", "rule")
            for o in source.of(kind)
            if o.id not in work.drop and not o.properties.get("inherited") and o.id in target.objects
        ),
        guarded=tuple(
            sorted(
                i
                for i, (now, wanted) in work.alter.items()
                if i.kind == "column"
                and i not in work.drop
                and (i in work.retype or columns.retyped(now, wanted))
                and "pg_input_is_valid"
                in conversions.using(now, wanted, source, retype=i in work.retype, target=target)
                and not now.properties.get("inherited")
            )
        ),
        unsupported=tuple(sorted(i for i in work.create if i.kind == "subscription")),
    )
