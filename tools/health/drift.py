"""Has the schema of a live database left the path of its migrations, and why? A comparison of three.

expected: what agentdb put there (its own record, replayed by the same kind of server). files: what the files of the
applied migrations make today. live: what is there. Where expected and live differ, somebody changed the database;
where expected and files differ, somebody changed a file; what a broken-off migration explains is its doing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from .. import naming
from ..records import Migration, to_plain
from ..schema.diff import Change, diff, significant
from ..schema.model import ObjectId, Snapshot
from ..sql.parse import parse
from . import wording
from .ledger_rows import facts_of, open_rows, progress

if TYPE_CHECKING:
    from ..databases.postgres import Connection

SCHEMA_VERSION = 1
# Roles and rights differ between a sandbox and a target without anyone having changed a thing.
IGNORED = ("owner", "grants")


class Cause(StrEnum):
    """OUT_OF_BAND: live has what no migration made, or lacks what one made. UNAPPLIED: a pending migration; not drift.
    EDITED_FILE: the file of an applied migration is not what was applied. PARTIAL: left by an attempt that did not end."""

    OUT_OF_BAND = "OUT_OF_BAND"
    EDITED_FILE = "EDITED_FILE"
    PARTIAL = "PARTIAL"
    UNAPPLIED = "UNAPPLIED"


@dataclass(frozen=True, slots=True)
class Drifted:
    """One cause for one object or migration. objects: their identities as text; changes: each in a sentence."""

    cause: Cause
    line: str
    objects: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    migration: str = ""


@dataclass(frozen=True, slots=True)
class DriftReport:
    """What differs and why. compared: with what. notes: what a reader should know of the comparison."""

    items: tuple[Drifted, ...]
    compared: str = ""
    notes: tuple[str, ...] = ()
    schema_version: int = SCHEMA_VERSION

    @property
    def drifted(self) -> bool:
        """Whether anything but a pending migration differs."""
        return any(i.cause is not Cause.UNAPPLIED for i in self.items)

    @property
    def verdict(self) -> str:
        """One line: how it is, in numbers."""
        numbers = {c: sum(i.cause is c for i in self.items) for c in Cause}
        words = {
            Cause.OUT_OF_BAND: ("object changed outside agentdb", "objects changed outside agentdb"),
            Cause.EDITED_FILE: ("applied file edited or gone", "applied files edited or gone"),
            Cause.PARTIAL: ("migration left half done", "migrations left half done"),
            Cause.UNAPPLIED: ("migration pending", "migrations pending"),
        }
        parts = [wording.count(numbers[c], *words[c]) for c in Cause if numbers[c]]
        if self.drifted:
            return f"drift: {', '.join(parts)}"
        return f"no drift{' (' + parts[0] + ')' if parts else ''}"


def drift(
    live: Connection | Snapshot,
    expected: Snapshot,
    *,
    files: Snapshot | None = None,
    planned: Snapshot | None = None,
    migrations: Sequence[Migration] = (),
    ledger_rows: Sequence[Any] = (),
    ignore_properties: Sequence[str] = IGNORED,
    compared: str = "",
    notes: Sequence[str] = (),
) -> DriftReport:
    """What differs between the live schema and what migrations made, by cause.

    live: an idle connection or a snapshot. files: None when no applied file was edited. planned: files plus the pending
    migrations; None when nobody replayed them. migrations: the project's files. ledger_rows: the ledger's attempts;
    without any, migrations in the folder applied count as applied.
    """
    there = live if isinstance(live, Snapshot) else _read(live)
    changes = _changes(expected, there, ignore_properties)
    edits = _changes(expected, files, ignore_properties) if files else ()
    plans = _changes(files or expected, planned, ignore_properties) if planned else ()
    partial, rest = _partial(changes, migrations, ledger_rows)
    pending = pending_of(migrations, ledger_rows)
    items = [
        *_out_of_band(_by_root(rest, expected, there), edits, plans, pending),
        *_edited(edits, migrations, ledger_rows),
        *partial,
        *_unapplied(plans, pending, planned is not None),
    ]
    return DriftReport(tuple(items), compared, tuple(notes))


def _read(live: Connection) -> Snapshot:
    from ..schema.snapshot import read_snapshot

    return read_snapshot(live)


def _changes(before: Snapshot, after: Snapshot, ignore: Sequence[str]) -> tuple[Change, ...]:
    return significant(diff(before, after), ignore_properties=ignore)


def _out_of_band(
    roots: Mapping[ObjectId, Sequence[Change]],
    edits: Sequence[Change],
    plans: Sequence[Change],
    pending: Sequence[Migration],
) -> Iterable[Drifted]:
    """One item for each object that people would name: a table with all that changed on it, a function, a type."""
    like_edit, like_plan = {_key(c) for c in edits}, {_key(c) for c in plans}
    for root, found in roots.items():
        whole = [c for c in found if c.id == root and c.kind in ("added", "dropped")]
        told = [*whole, *(c for c in found if c.kind != whole[0].kind)] if whole else found
        line = told[0].line if len(told) == 1 else f"{_named(root)}: {wording.count(len(told), 'change')}"
        if all(_key(c) in like_edit for c in found):
            line += "; the edited file makes the same"
        elif plans and all(_key(c) in like_plan for c in found):
            makers = [m.label for m in pending if any(_touches(c.id, _names(m)) for c in found)]
            line += (
                f"; pending {makers[0]} makes the same and would fail"
                if makers
                else "; a pending migration makes the same"
            )
        yield Drifted(Cause.OUT_OF_BAND, line, tuple(str(c.id) for c in found), tuple(c.line for c in told))


def _edited(edits: Sequence[Change], migrations: Sequence[Migration], rows: Sequence[Any]) -> Iterable[Drifted]:
    """Files of applied migrations that are not what was applied, with what the edit changes in the schema."""
    files = {m.number: m for m in migrations}
    left = list(edits)
    for number, row in _applied(rows).items():
        label = f"{row['version']}_{row['name']}"
        file = files.get(number)
        if file is None:
            yield Drifted(Cause.EDITED_FILE, f"{label} was applied and its file is gone", migration=label)
            continue
        if (
            row["checksum"] == file.sha256
            or row.get("checksum_version", naming.CHECKSUM_VERSION) != naming.CHECKSUM_VERSION
        ):
            continue
        names = _names(file)
        mine = [c for c in left if _touches(c.id, names)]
        left = [c for c in left if c not in mine]
        effect = f"; the schema would differ in {wording.count(len(mine), 'place')}" if mine else ""
        yield Drifted(
            Cause.EDITED_FILE,
            f"{label} was edited after it was applied{effect}",
            tuple(str(c.id) for c in mine),
            tuple(c.line for c in mine),
            label,
        )
    if left:
        yield Drifted(
            Cause.EDITED_FILE,
            f"the files no longer make what was applied, in {wording.count(len(left), 'place')}",
            tuple(str(c.id) for c in left),
            tuple(c.line for c in left),
        )


def _partial(
    changes: Sequence[Change], migrations: Sequence[Migration], rows: Sequence[Any]
) -> tuple[list[Drifted], list[Change]]:
    """What attempts that did not end have left, and the changes that they do not explain."""
    files = {m.number: m for m in migrations}
    items, left = [], list(changes)
    for row in open_rows(rows):
        label = f"{row['version']}_{row['name']}"
        file = files.get(_number(row))
        names = _names(file) if file else set()
        mine = [c for c in left if _touches(c.id, names)]
        left = [c for c in left if c not in mine]
        done = progress(row)
        seen = f"{wording.count(len(mine), 'change')} of it there" if mine else "nothing of it there"
        items.append(
            Drifted(
                Cause.PARTIAL,
                f"{row['kind']} of {label} is {row['status']}{', ' + done if done else ''}; {seen}",
                tuple(str(c.id) for c in mine),
                tuple(c.line for c in mine),
                label,
            )
        )
    return items, left


def _unapplied(plans: Sequence[Change], pending: Sequence[Migration], replayed: bool) -> Iterable[Drifted]:
    """Pending migrations with what they would change: measured when they were replayed, else by their statements."""
    left = list(plans)
    for migration in pending:
        names = _names(migration)
        mine = [c for c in left if _touches(c.id, names)]
        left = [c for c in left if c not in mine]
        objects = tuple(str(c.id) for c in mine) if replayed else tuple(sorted(names))
        yield Drifted(
            Cause.UNAPPLIED,
            f"{migration.label} is pending" + (f", {wording.count(len(mine), 'change')} to come" if mine else ""),
            objects,
            tuple(c.line for c in mine),
            migration.label,
        )


def _applied(rows: Sequence[Any]) -> dict[int, dict[str, Any]]:
    facts = [facts_of(r) for r in rows]
    return {_number(f): f for f in facts if f["kind"] == "apply" and f["status"] == "applied"}


def pending_of(migrations: Sequence[Migration], rows: Sequence[Any]) -> tuple[Migration, ...]:
    """The migrations of which the ledger knows no finished and no open attempt; without a ledger those in pending."""
    if not rows:
        return tuple(m for m in migrations if m.state == "pending")
    begun = {*_applied(rows), *(_number(r) for r in open_rows(rows))}
    return tuple(m for m in migrations if m.number not in begun and m.state != "archived")


def _number(facts: Any) -> int:
    version = str(facts["version"])
    return int(version) if version.isdigit() else -1


def _key(change: Change) -> tuple[Any, ...]:
    """Two changes with the same key lead to the same."""
    kind = "altered" if change.kind == "renamed" else change.kind
    after = change.after.properties if change.after else None
    return kind, change.id, tuple(change.properties), repr(sorted((after or {}).items()))


def _by_root(changes: Sequence[Change], *snapshots: Snapshot) -> dict[ObjectId, list[Change]]:
    """The changes by the object that they hang on: the table of a column or of its sequence, else the thing itself."""
    relations = {(o.schema, o.name): o for s in snapshots for o in s.objects if not o.parent and o.kind != "sequence"}
    found: dict[ObjectId, list[Change]] = {}
    for c in changes:
        place = (c.id.schema, c.id.parent) if c.id.parent else None
        thing = c.after or c.before
        if c.id.kind == "sequence" and thing is not None and thing.properties.get("owned_by"):
            schema, table, _ = thing.properties["owned_by"]
            place = (schema, table)
        found.setdefault(relations.get(place, c.id) if place else c.id, []).append(c)
    return found


def _named(id: ObjectId) -> str:
    return f"{id.kind.replace('_', ' ')} {'.'.join(p for p in (id.schema, id.parent, id.name) if p)}"


def _names(migration: Migration) -> set[str]:
    """The names, as written, of what a migration makes, drops or changes."""
    found: set[str] = set()
    for one in parse(migration.sql).statements:
        found.update(one.statement.creates, one.statement.drops, one.statement.changes)
    return found


def _touches(id: ObjectId, names: set[str]) -> bool:
    """Whether one of the names may mean the object or what it hangs on; a name without schema means any."""
    own = id.name.split("(", 1)[0] if id.kind in ("function", "procedure", "aggregate") else id.name
    forms = {own, f"{id.schema}.{own}"}
    if id.parent:
        forms |= {id.parent, f"{id.schema}.{id.parent}", f"{id.parent}.{own}", f"{id.schema}.{id.parent}.{own}"}
    return not forms.isdisjoint(names)


def by_fingerprint(live: Snapshot, ledger_rows: Sequence[Any], why: str) -> DriftReport | None:
    """Drift told by the ledger's last fingerprint alone, for a target whose schema cannot be rebuilt; None when the
    ledger has none.

    live: read from the target itself. why: what keeps the objects from being told. Owners and grants count here.
    """
    from ..schema.fingerprint import fingerprint

    noted = [r for r in map(to_plain, ledger_rows) if isinstance(r, Mapping) and r.get("fingerprint_after")]
    if not noted:
        return None
    last = max(noted, key=lambda r: r.get("id") or 0)
    label = f"{last['version']}_{last['name']}"
    compared = f"the fingerprint that the ledger noted after {label}"
    if last["fingerprint_after"] == fingerprint(live):
        return DriftReport((), compared, (why,))
    line = f"the schema is not what it was after {label}; which objects differ cannot be told"
    return DriftReport((Drifted(Cause.OUT_OF_BAND, line, migration=label),), compared, (why,))


def adoption(live: Snapshot, expected: Snapshot, *, ignore_properties: Sequence[str] = IGNORED) -> list[str]:
    """Statements that make the expected schema what the live one is: the body of a migration that owns up to the drift."""
    return _ddl(expected, live, ignore_properties)


def reversal(live: Snapshot, expected: Snapshot, *, ignore_properties: Sequence[str] = IGNORED) -> list[str]:
    """Statements that take the live schema back to what is expected. They may drop columns or tables with rows in them."""
    return _ddl(live, expected, ignore_properties)


def _ddl(start: Snapshot, goal: Snapshot, ignore: Sequence[str]) -> list[str]:
    from ..schema.ddl.plan import ddl_for

    same = _with_ignored_of(start, goal, ignore)
    return ddl_for(diff(same, start), same, start, runs_as=_RUNNER)


_RUNNER = "whoever runs it"  # no role is called so: objects made anew then get neither owner nor grants


def _with_ignored_of(start: Snapshot, goal: Snapshot, ignore: Sequence[str]) -> Snapshot:
    """The goal with the ignored properties of the start, or with those of a new object where the start has none."""
    from ..schema.ddl.grants import defaults

    objects = {}
    for id, found in goal.objects.items():
        was = start.objects.get(id)
        properties = {k: v for k, v in found.properties.items() if k not in ignore}
        if was is not None:
            properties |= {k: v for k, v in was.properties.items() if k in ignore}
        else:
            properties |= {"owner": _RUNNER} if "owner" in ignore and "owner" in found.properties else {}
            rights = defaults(id.kind, goal.server_version) if "grants" in ignore else []
            properties |= {"grants": rights} if rights else {}
        objects[id] = replace(found, properties=properties)
    return replace(goal, objects=objects)
