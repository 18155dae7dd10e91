"""The Conflict Resolver's work: find what stands in each other's way, propose moves. Changes no file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...tools import files
from ...tools.records import to_plain
from ..context import Context
from ..state import Plain, State
from .step import relative, say, step

if TYPE_CHECKING:
    from langgraph.runtime import Runtime

    from ...tools.conflicts.case import Case


@step
def find(state: State, runtime: Runtime[Context]) -> Plain:
    """Writes conflicts."""
    from ...tools.conflicts.find import conflicts_of

    case = _case(runtime.context)
    found = conflicts_of(case) if case else ()
    say(runtime, "conflicts", f"{len(found)} found" if found else "none", ok=not found)
    return {"conflicts": [to_plain(f) for f in found]}


@step
def propose(state: State, runtime: Runtime[Context]) -> Plain:
    """Writes moves: one line for each rename or new header that would settle the conflicts."""
    if not state.get("conflicts"):
        return {}
    from ...tools.conflicts.find import conflicts_of
    from ...tools.conflicts.plan import resolution

    context = runtime.context
    case = _case(context)
    if case is None:
        return {}
    settled = resolution(case, conflicts_of(case))
    moves = []
    for move in settled.moves:
        source, target = relative(context, move.source), relative(context, move.target)
        what = f"{source} becomes {target}" if source != target else f"{source} gets another header"
        moves.append(f"{what}: {move.why}" if move.why else what)
    return {"moves": moves}


def _case(context: Context) -> Case | None:
    """All that the search looks at; None when there is no migrations folder."""
    from ...tools.conflicts.find import archived_files, case_of, rollback_files
    from ...tools.ledger import history

    layout = context.layout
    if not layout.base.is_dir():
        return None
    rows: tuple[history.HistoryRow, ...] = ()
    if context.target is not None:
        with context.target.connect() as connection:
            rows = history.rows(connection)
    return case_of(
        files.discover(layout), rows, rollback_files(layout), archived=archived_files(layout), root=layout.root
    )
