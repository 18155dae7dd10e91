"""How conflicts of numbers and names are put right: a plan of renames, shown first, then carried out whole."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from graphlib import CycleError
from pathlib import Path

from ...errors import UsageError
from .. import files, naming
from ..records import Finding, Migration
from .case import Case
from .dependencies import declared, meant, needed_by, node, order_graph, sorted_by_need
from .find import conflicts_of
from .headers import with_depends
from .numbers import free_numbers, giving_up
from .orphans import CAPTURE, orphans

# Findings whose migration gets a new number; who gives way among duplicates is decided by numbers.giving_up.
RENUMBERED = frozenset(
    {
        "conflict-out-of-order",
        "conflict-depends-order",
        "conflict-used-before-created",
        "conflict-branch-number",
        "conflict-renamed-applied",
    }
)


@dataclass(frozen=True, slots=True)
class Move:
    """One file under a new name, or with another `-- depends:` header, or both.

    text: the new text, None when the bytes stay. sha256: of the bytes that were planned with.
    """

    source: Path
    target: Path
    why: str
    sha256: str
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Resolution:
    """moves: in the order in which they are carried out. left: the findings that a person has to settle.
    notes: what to know or do afterwards."""

    moves: tuple[Move, ...]
    left: tuple[Finding, ...]
    notes: tuple[str, ...] = ()


def resolution(case: Case, findings: Sequence[Finding]) -> Resolution:
    """The plan for the findings (of this case), and what is left when it is done. Changes nothing.

    No applied file is renumbered or edited. A migration that needs a renumbered one, by header or by what both touch,
    gets a number after it. Rollback and capture scripts go along, and `-- depends:` headers name the new numbers.
    """
    graph = order_graph(case)
    why = _movers(case, findings)
    for migration in case.pending:
        needed = needed_by(graph, migration)
        behind = sorted(m.label for m in case.pending if node(m) in needed and node(m) in why)
        if behind and node(migration) not in why:
            why[node(migration)] = f"stays after {behind[-1]}"
    try:
        ordered = sorted_by_need(graph, [m for m in case.pending if node(m) in why])
    except CycleError as error:
        circle = " needs ".join(Path(p).stem for p in reversed(error.args[1]))
        return Resolution((), tuple(findings), (f"Nothing can be renumbered: {circle}.",))
    new_labels = _new_labels(case, ordered)
    for migration, name in _names_back(case):
        new_labels.setdefault(node(migration), f"{migration.version}_{name}")
        why.setdefault(node(migration), f"is applied under the name {name}")
    moves, notes = _moves(case, why, new_labels)
    scripts = _scripts(case, new_labels)
    moves += scripts
    notes += [n for move in scripts if (n := _old_name_inside(move))]
    left = conflicts_of(case_after(case, moves)) if moves else tuple(findings)
    return Resolution(tuple(moves), left, tuple(notes))


def case_after(case: Case, moves: Sequence[Move]) -> Case:
    """The case as it is when the moves are done. The numbers that they leave behind are no gaps."""
    by_source = {m.source: m for m in moves}
    migrations = []
    for migration in case.migrations:
        move = by_source.get(migration.path)
        parts = naming.parse_name(move.target.name) if move else None
        if move and parts:
            text = migration.sql if move.text is None else move.text.removeprefix("\ufeff")
            migration = dataclasses.replace(
                migration,
                version=parts.version,
                name=parts.name,
                path=move.target,
                sql=text,
                sha256=naming.checksum(text),
                headers=files.headers_of(text),
            )
        migrations.append(migration)
    scripts = tuple(sorted(by_source[p].target if p in by_source else p for p in case.rollbacks))
    old = {p.version for p in (naming.parse_name(m.source.name) for m in moves) if p}
    given_up = case.given_up | {int(version) for version in old}
    return dataclasses.replace(case, migrations=tuple(migrations), rollbacks=scripts, given_up=given_up)


def _movers(case: Case, findings: Sequence[Finding]) -> dict[str, str]:
    """Path -> why, of the pending migrations that must get a new number."""
    by_path = {case.path(m): m for m in case.pending}
    why: dict[str, str] = {}
    for finding in findings:
        migration = by_path.get(finding.path)
        if migration is None:
            continue
        if finding.rule == "conflict-duplicate-number":
            members = [m for m in case.migrations if m.number == migration.number]
            for other in giving_up(case, members):
                why.setdefault(node(other), f"number {other.version} is taken")
        elif finding.rule in RENUMBERED and not _by_a_person(case, finding, migration):
            why.setdefault(node(migration), finding.title.rstrip("."))
    return why


def _by_a_person(case: Case, finding: Finding, migration: Migration) -> bool:
    """Whether a new number would not put this finding right."""
    match finding.rule:
        case "conflict-branch-number":  # the same name on both branches, with other SQL
            return case.branch is not None and migration.label in {m.label for m in case.branch.theirs}
        case "conflict-depends-order":  # needs itself
            targets = [m for d in declared(migration, case.migrations) for m in meant(case, migration, d)]
            return all(t.path == migration.path for t in targets)
        case "conflict-renamed-applied":  # the same SQL: it gets its name back instead
            return any(m.path == migration.path for m, _ in _names_back(case))
    return False


def _names_back(case: Case) -> list[tuple[Migration, str]]:
    """The files that are applied under another name, with that name: same number, same SQL."""
    recorded = {(int(r.version), r.checksum): r.name for r in case.ledger if r.status == "applied"}
    found = [(m, recorded.get((m.number, m.sha256), m.name)) for m in case.migrations]
    return [(m, name) for m, name in found if name != m.name]


def _new_labels(case: Case, ordered: Sequence[Migration]) -> dict[str, str]:
    """Path -> new NNN_name, numbered after everything in use."""
    return {node(m): f"{version}_{m.name}" for m, version in zip(ordered, free_numbers(case), strict=False)}


def _moves(case: Case, why: dict[str, str], new_labels: dict[str, str]) -> tuple[list[Move], list[str]]:
    """The renames of migrations with their new headers, and what to know about them."""
    moves: list[Move] = []
    notes: list[str] = []
    for migration in case.migrations:
        changes: dict[str, str] = {}
        for found in () if case.is_applied(migration) else declared(migration, case.migrations):
            targets = meant(case, migration, found)
            labels = [new_labels[node(t)] for t in targets if node(t) in new_labels]
            if len(targets) > 1 and labels:
                notes.append(f"{migration.label} depends on {found.text}, which was two files: check the header.")
            elif labels and found.text != targets[0].name:
                number, _, name = labels[0].partition("_")
                changes[found.text] = number if found.text.isdecimal() else f"{number}_{name}"
        label = new_labels.get(node(migration), migration.label)
        if label == migration.label and not changes:
            continue
        raw = migration.path.read_bytes()
        text = with_depends(raw, changes) if changes else None
        reason = why.get(node(migration), "its header names the new numbers")
        target = migration.path.with_name(f"{label}.sql")
        moves.append(Move(migration.path, target, reason, hashlib.sha256(raw).hexdigest(), text))
        if text is not None and migration.rollback_path:
            notes.append(f"{label}: the header changed, so prove its rollback again (agentdb rollback prove).")
    return moves, notes


def _scripts(case: Case, new_labels: dict[str, str]) -> list[Move]:
    """The renames of rollback and capture scripts: twins of renumbered migrations, and orphans that found an owner."""
    moves = []
    present = {p.name: p for p in case.rollbacks}
    staying = {m.label for m in case.migrations if node(m) not in new_labels}
    for migration in case.migrations:
        label = new_labels.get(node(migration))
        if label is None or migration.label in staying:
            continue
        for ending in (".sql", CAPTURE):
            path = present.get(migration.label + ending)
            if path is not None:
                moves.append(_renamed(path, f"{label}{ending}", f"goes with {label}"))
    for orphan in orphans(case):
        if orphan.migration is not None and not orphan.without_rollback:
            label = new_labels.get(node(orphan.migration), orphan.migration.label)
            moves.append(_renamed(orphan.path, label + (CAPTURE if orphan.capture else ".sql"), f"belongs to {label}"))
    return moves


def _old_name_inside(move: Move) -> str:
    """That a script's own comments name its migration by the old number, when they do."""
    old = move.source.name.removesuffix(CAPTURE).removesuffix(".sql")
    if old.encode() not in move.source.read_bytes():
        return ""
    return f"{move.target.name} still speaks of {old}; its bytes stay, so that what was proven of them holds."


def _renamed(path: Path, name: str, why: str) -> Move:
    return Move(path, path.with_name(name), why, hashlib.sha256(path.read_bytes()).hexdigest())


def carry_out(plan: Resolution) -> tuple[Path, ...]:
    """The files at their new places, after every move of the plan; or nothing changed at all.

    Errors: UsageError when a file changed since the plan was made, a target exists, or the file system refuses; what
    had been moved by then is put back.
    """
    _check(plan)
    done: list[tuple[Move, bytes]] = []
    try:
        for move in plan.moves:
            before = move.source.read_bytes()
            done.append((move, before))
            if move.text is not None:
                files.write_whole(move.target, move.text)
                if move.target != move.source:
                    move.source.unlink()
            else:
                files.rename(move.source, move.target)
    except (OSError, UsageError) as error:
        for move, before in reversed(done):
            if not move.source.exists() or move.source.read_bytes() != before:
                move.source.write_bytes(before)
            if move.target != move.source:
                with contextlib.suppress(OSError):
                    move.target.unlink()
        if isinstance(error, UsageError):
            raise
        raise UsageError(f"cannot rename: {error.strerror or error}", where=str(error.filename or "")) from None
    return tuple(m.target for m in plan.moves)


def _check(plan: Resolution) -> None:
    sources = {m.source for m in plan.moves}
    for move in plan.moves:
        if not move.source.is_file() or hashlib.sha256(move.source.read_bytes()).hexdigest() != move.sha256:
            raise UsageError(
                "the file changed since the plan was made; nothing was renamed",
                where=str(move.source),
                hint="Run agentdb conflicts again.",
            )
        folder = move.target.parent
        near = {p.name.casefold() for p in folder.iterdir() if p not in sources}
        if move.target != move.source and move.target.name.casefold() in near:
            raise UsageError(
                "a file of that name is already there; nothing was renamed",
                where=str(move.target),
                hint="Rename one of the two.",
            )
