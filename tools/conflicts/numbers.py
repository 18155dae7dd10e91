"""Numbers in use, the next free one, and who keeps a number that two migrations bear."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from graphlib import CycleError
from itertools import count
from pathlib import Path

from .. import naming
from ..records import Migration
from .case import Case
from .dependencies import needed_by, node, order_graph, sorted_by_need
from .orphans import CAPTURE


def free_numbers(case: Case) -> Iterator[str]:
    """The numbers after the highest that a migration here, in archived/, in the ledger or on the other branch has, as
    wide as the widest. Passed over: those of scripts in rollback/, and those that `-- depends:` headers name: one that
    names no file must not come to mean the file that gets its number."""
    found = [m.version for m in case.migrations] + [r.version for r in case.ledger]
    found += _versions(case.archived)
    if case.branch:
        found += [m.version for m in case.branch.theirs]
    named = (v.partition("_")[0] for m in case.migrations for v in m.headers.get("depends", ()))
    avoided = {int(v) for v in (*_versions(case.rollbacks), *(n for n in named if n.isdecimal()))}
    following = naming.next_version(found)
    for number in count(int(following)):
        if number not in avoided:
            yield str(number).zfill(len(following))


def next_free(case: Case) -> str:
    """The first of free_numbers."""
    return next(free_numbers(case))


def _versions(paths: Iterable[Path]) -> list[str]:
    parts = (naming.parse_name(p.name.replace(CAPTURE, ".sql")) for p in paths)
    return [p.version for p in parts if p]


def giving_up(case: Case, members: Sequence[Migration]) -> tuple[Migration, ...]:
    """Of the migrations with one number, those that must get another, in the order in which they run.

    An applied or archived one keeps it; else one that the other branch has; else the one whose staying moves the
    fewest files, since what needs a renumbered one must follow it. Never an applied migration; may be empty.
    """
    pending = [m for m in members if not case.is_applied(m)]
    graph = order_graph(case)
    try:
        ordered = sorted_by_need(graph, pending)
    except CycleError:
        ordered = pending
    if len(pending) < len(members) or any(m.number in case.archived_numbers for m in members):
        return tuple(ordered)
    there = {m.label for m in case.branch.theirs} if case.branch else set()
    keepers = [m for m in ordered if m.label in there] or ordered
    needs = {node(m): needed_by(graph, m) for m in case.pending}

    def moved_by(keeper: Migration) -> int:
        moving = {node(m) for m in ordered if m is not keeper}
        return sum(1 for path, needed in needs.items() if path in moving or needed & moving)

    keeper = min(keepers, key=lambda m: (moved_by(m), ordered.index(m)))
    return tuple(m for m in ordered if m is not keeper)
