"""Scripts in rollback/ that no migration finds."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from .. import naming
from ..records import Migration
from .case import Case

CAPTURE = ".capture.sql"


@dataclass(frozen=True, slots=True)
class Orphan:
    """A script of rollback/. migration: the one of the same name under another number, or, when `without_rollback`,
    the one whose capture this is."""

    path: Path
    capture: bool
    migration: Migration | None = None
    without_rollback: bool = False

    @property
    def new_name(self) -> str:
        """The file name under which the migration would find it."""
        return f"{self.migration.label}{CAPTURE if self.capture else '.sql'}" if self.migration else self.path.name


def orphans(case: Case) -> tuple[Orphan, ...]:
    """The orphans, by name. A migration of the same name counts as its new owner only when it is the only one,
    has no script of its own, and no other orphan claims it."""
    labels = {m.label: m for m in case.migrations}
    old = {p.stem for p in case.archived}
    scripts = {p.name for p in case.rollbacks}
    recorded = {f"{r.version}_{r.name}" for r in case.ledger}
    found = []
    for path in case.rollbacks:
        capture = path.name.endswith(CAPTURE)
        label = path.name.removesuffix(CAPTURE) if capture else path.stem.removesuffix(".partial")
        if label in labels:
            if capture and f"{label}.sql" not in scripts:
                found.append(Orphan(path, True, labels[label], without_rollback=True))
            continue
        if label in old or label in recorded:
            continue
        parts = naming.parse_name(f"{label}.sql")
        namesakes = [m for m in case.migrations if parts and m.name == parts.name]
        ending = CAPTURE if capture else ".sql"
        owner = namesakes[0] if len(namesakes) == 1 and f"{namesakes[0].label}{ending}" not in scripts else None
        found.append(Orphan(path, capture, owner))
    claims = Counter(o.new_name for o in found)
    return tuple(o if o.without_rollback or claims[o.new_name] == 1 else replace(o, migration=None) for o in found)
