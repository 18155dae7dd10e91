"""The conflicts of a project: numbers, names, checksums, dependencies and objects that two migrations share."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from ..files import Layout
from ..records import Finding, Migration
from .case import Branch, Case, LedgerRow
from .registry import Paired, kinds


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
    return tuple(finding for finding, _ in _found(case))


def pairs_of(case: Case) -> dict[str, tuple[Migration, Migration]]:
    """Finding id -> the two migrations that it is about, where running them in both orders would settle it."""
    return {finding.id: pair for finding, pair in _found(case) if pair}


def _found(case: Case) -> list[tuple[Finding, tuple[Migration, Migration] | None]]:
    found: list[tuple[Finding, tuple[Migration, Migration] | None]] = []
    for kind in kinds():
        for item in kind.search(case):
            found.append((item.finding, (item.first, item.second)) if isinstance(item, Paired) else (item, None))
    found.sort(key=lambda f: (-f[0].severity.rank, f[0].path, f[0].line, f[0].rule, f[0].title))
    return [(dataclasses.replace(f, id=f"C-{n}"), pair) for n, (f, pair) in enumerate(found, 1)]


def rollback_files(layout: Layout) -> tuple[Path, ...]:
    """The .sql files in rollback/, scripts and captures, by name."""
    return tuple(sorted(layout.rollback.glob("*.sql"))) if layout.rollback.is_dir() else ()


def archived_files(layout: Layout) -> tuple[Path, ...]:
    """The .sql files in archived/, by name."""
    return tuple(sorted(layout.archived.glob("*.sql"))) if layout.archived.is_dir() else ()
