"""How the schema came to be: what each migration changed, and which one made or last changed each object.

Everything is measured on snapshots taken between the migrations (in the sandbox, one after each), not read from SQL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..records import Migration
from ..schema.describe import describe
from ..schema.diff import Change, diff, renames_of, significant
from ..schema.model import ObjectId, Snapshot
from ..schema.renaming import Renaming
from ..sql.parse import parse
from .outline import ENVIRONMENT, facts
from .page import Page, Section
from .text import code, md, slug

PATH = "schema/CHANGELOG.md"
TITLE = "How the schema came to be"
# What every new database has.
ALWAYS_THERE = (ObjectId("extension", "", "", "plpgsql"), ObjectId("schema", "", "", "public"))


@dataclass(frozen=True, slots=True)
class Step:
    """What one migration did. renamed: identity before -> after, of everything that a rename took along.
    with_others: labels of earlier migrations whose changes are in here too, since no snapshot was taken between."""

    migration: Migration
    changes: tuple[Change, ...]
    renamed: Mapping[ObjectId, ObjectId]
    with_others: tuple[str, ...] = ()

    @property
    def lines(self) -> list[str]:
        """One sentence a change; what comes or goes with a whole table is counted in the table's line."""
        return describe(self.changes)


@dataclass(frozen=True, slots=True)
class Blame:
    """The migration that created an object ("" when it was there before the first), and those that changed it since,
    in order."""

    created: str
    changed: tuple[str, ...] = ()

    @property
    def last(self) -> str:
        return self.changed[-1] if self.changed else self.created


def steps(history: Sequence[tuple[Migration, Snapshot]], start: Snapshot | None = None) -> tuple[Step, ...]:
    """What each migration changed.

    history: the migrations in the order in which they ran, each with the snapshot after it. start: the schema before
    the first (default: a new database's). Renames are those that the SQL spells out.
    """
    if not history:
        return ()
    before = start or _new_database(history[0][1])
    found = []
    for migration, after in history:
        renames = renames_of(parse(migration.sql), before)
        changes = significant(diff(before, after, renames=renames), ignore_properties=ENVIRONMENT)
        renaming = Renaming(before, {k: v for k, v in renames.items() if k in before.objects and v in after.objects})
        moved = {old: new for old in before.objects if (new := renaming.id(old)) != old and new in after.objects}
        found.append(Step(migration, changes, moved))
        before = after
    return tuple(found)


def _new_database(after: Snapshot) -> Snapshot:
    """The schema of a new database, as far as `after` still has it."""
    return replace(after, objects={id: after.objects[id] for id in ALWAYS_THERE if id in after.objects})


def blame(taken: Sequence[Step], start: Snapshot | None = None) -> dict[ObjectId, Blame]:
    """Who made and changed each object that is there after the last step. An object that came back after it was
    dropped is new. A change of a column or constraint is no change of its table."""
    known = {id: Blame("") for id in (start.objects if start else ALWAYS_THERE)}
    for step in taken:
        label = step.migration.label
        known = {step.renamed.get(id, id): entry for id, entry in known.items()}
        for change in step.changes:
            if change.kind == "dropped":
                known.pop(change.id, None)
            elif change.kind == "added":
                known[change.id] = Blame(label)
            else:
                entry = known.get(change.id, Blame(""))
                if entry.last != label:
                    known[change.id] = replace(entry, changed=(*entry.changed, label))
    return known


def changelog_page(taken: Sequence[Step]) -> Page:
    """CHANGELOG.md: a section for each migration that was replayed, the newest first."""
    sections = []
    for step in reversed(taken):
        lines = [f"- {md(line)}" for line in step.lines] or [
            "- The schema stays as it is; this migration is about data."
        ]
        purpose = " ".join(step.migration.headers.get("purpose", ()) or step.migration.headers.get("description", ()))
        said = f"{md(purpose)}\n\n" if purpose else ""
        if step.with_others:
            said += f"Together with {', '.join(code(o) for o in step.with_others)}: no snapshot was taken between.\n\n"
        body = f"## {md(step.migration.label)}\n\n{said}" + "\n".join(lines)
        sections.append(Section(slug(step.migration.label), facts([], body), body, notes=True))
    return Page(PATH, TITLE, tuple(sections))


def last_step(snapshot: Snapshot, before: Snapshot, passed: Sequence[Migration]) -> tuple[Step, ...]:
    """The step from a stored snapshot to this one, under the name of the last migration between the two."""
    if not passed:
        return ()
    ordered = sorted(passed, key=lambda m: (m.number, m.name))
    joined = replace(ordered[-1], sql=";\n".join(m.sql for m in ordered))
    return tuple(
        replace(step, migration=ordered[-1], with_others=tuple(m.label for m in ordered[:-1]))
        for step in steps([(joined, snapshot)], before)
    )


def history_section(table: ObjectId, parts: Sequence[ObjectId], known: Mapping[ObjectId, Blame]) -> str:
    """The part of a table's page that says which migration made and last changed it and its parts; "" when nothing
    is known."""
    if table not in known:
        return ""
    rows = [("table", table), *((id.kind.replace("_", " "), id) for id in parts)]
    lines = ["| Object | | Created by | Last changed by |", "| --- | --- | --- | --- |"]
    for word, id in rows:
        entry = known.get(id)
        if entry is None:
            continue
        created = code(entry.created) if entry.created else "before the first migration"
        changed = code(entry.last) if entry.changed else ""
        lines.append(f"| {md(id.name)} | {word} | {created} | {changed} |")
    return "\n".join(lines)
