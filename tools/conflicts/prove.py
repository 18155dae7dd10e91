"""Both orders of every pair of migrations that may collide, run in the sandbox."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from ..databases.dsn import Dsn
from ..records import Migration
from .case import Case
from .dependencies import needed_by, node, order_graph
from .find import pairs_of
from .merge_order import MergeOrder, merge_order

if TYPE_CHECKING:
    from ..sandbox.databases import SandboxDatabase
    from ..sandbox.server import SandboxServer


def prove(
    server: SandboxServer, case: Case, *, target: Dsn | None = None, rows: int = 12, most: int = 20
) -> Mapping[str, MergeOrder]:
    """Finding id -> what both orders showed, for the first `most` pairs (the worst findings come first).

    target: begin with its schema; without one, with what the migrations before the two make. rows: synthetic rows a
    table. Errors: SandboxError, DatabaseError when the state before cannot be made.
    """
    found: dict[str, MergeOrder] = {}
    known: dict[tuple[str, str], MergeOrder] = {}
    for id, (first, second) in list(pairs_of(case).items())[:most]:
        pair = (node(first), node(second))
        if pair not in known:
            known[pair] = _proven(server, case, first, second, target, rows)
        found[id] = known[pair]
    return found


def _proven(
    server: SandboxServer, case: Case, first: Migration, second: Migration, target: Dsn | None, rows: int
) -> MergeOrder:
    """Both orders over synthetic rows; without any, where one of the two does not run over them even alone."""
    earlier = before_both(case, first, second)
    with _base(server, earlier, case, target, rows) as base:
        made = merge_order(server, base, first, second)
    alone = next((o.failed for o in made.outcomes if o.failed and o.failed == o.order[0]), "")
    if not rows or not alone:
        return made
    with _base(server, earlier, case, target, 0) as base:
        made = merge_order(server, base, first, second)
    note = f"Without synthetic rows: {alone} does not run over them, in whichever order."
    return replace(made, notes=(*made.notes, note))


def before_both(case: Case, first: Migration, second: Migration) -> tuple[Migration, ...]:
    """The migrations that run before the two, in order: those before the later one that do not need the earlier.

    With another branch: what both have, and what each side has before its own of the two.
    """
    if case.branch is not None and second.label not in case.branch.common:
        theirs = [m for m in case.branch.new_there if m.number < first.number]
        mine = [m for m in case.ordered if m.label in case.branch.common or m.number < second.number]
        labels = {first.label, second.label, *(m.label for m in case.branch.new_there)}
        kept = [*theirs, *(m for m in mine if m.label not in labels)]
        return tuple(sorted(kept, key=lambda m: (not case.is_applied(m), m.number, m.name)))
    graph = order_graph(case)
    place = {node(m): i for i, m in enumerate(case.ordered)}
    last = max(place.get(node(first), 0), place.get(node(second), 0))
    return tuple(
        m
        for m in case.ordered[:last]
        if m not in (first, second) and not {node(first), node(second)} & needed_by(graph, m)
    )


@contextmanager
def _base(
    server: SandboxServer, earlier: Sequence[Migration], case: Case, target: Dsn | None, rows: int
) -> Iterator[SandboxDatabase]:
    from ..sandbox.before import from_migrations, from_target
    from ..sandbox.rehearsal import run_earlier
    from ..sandbox.seed import seed

    with server.create() as database:
        if target is not None:
            from_target(database, target)
            run_earlier(database, [m for m in earlier if not case.is_applied(m)])
        else:
            from_migrations(database, earlier)
        with database.connect() as connection:
            if rows:
                seed(connection, rows=rows)
        yield database
