"""The conflicts of a project: numbers, names, checksums, dependencies and objects that two migrations share."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from ..files import Layout
from ..records import Finding, Migration
from .case import Branch, Case, LedgerRow
from .registry import kinds


def find_conflicts(
    migrations: Sequence[Migration],
    ledger_rows: Sequence[LedgerRow] = (),
    rollbacks: Sequence[Path] = (),
    *,
    archived: Sequence[Path] = (),
    branch: Branch | None = None,
    root: Path | None = None,
) -> tuple[Finding, ...]:
    """The conflicts, the worst first, with ids "C-1"... ; empty when there are none. Runs no SQL and changes nothing.

    ledger_rows: attempts to apply (history.rows); without any, what the ledger would tell is not looked for.
    rollbacks, archived: the files in those folders. branch: what git says of another branch (branches.read_branch).
    """
    return conflicts_of(case_of(migrations, ledger_rows, rollbacks, archived=archived, branch=branch, root=root))


def case_of(
    migrations: Sequence[Migration],
    ledger_rows: Sequence[LedgerRow] = (),
    rollbacks: Sequence[Path] = (),
    *,
    archived: Sequence[Path] = (),
    branch: Branch | None = None,
    root: Path | None = None,
) -> Case:
    """The same arguments as one record, for `conflicts_of` and the plan."""
    return Case(tuple(migrations), tuple(ledger_rows), tuple(rollbacks), tuple(archived), branch, root)


def conflicts_of(case: Case) -> tuple[Finding, ...]:
    """The conflicts of a case; see find_conflicts."""
    found = [finding for kind in kinds() for finding in kind.search(case)]
    found.sort(key=lambda f: (-f.severity.rank, f.path, f.line, f.rule, f.title))
    return tuple(dataclasses.replace(f, id=f"C-{n}") for n, f in enumerate(found, 1))


def rollback_files(layout: Layout) -> tuple[Path, ...]:
    """The .sql files in rollback/, scripts and captures, by name."""
    return tuple(sorted(layout.rollback.glob("*.sql"))) if layout.rollback.is_dir() else ()


def archived_files(layout: Layout) -> tuple[Path, ...]:
    """The .sql files in archived/, by name."""
    return tuple(sorted(layout.archived.glob("*.sql"))) if layout.archived.is_dir() else ()
