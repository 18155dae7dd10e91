"""Intake: which migrations the run is about, and what they say; everything of an earlier run is emptied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import AgentdbError
from ...tools import files
from ...tools.records import Migration
from ...tools.sql import grammar
from ...tools.sql.parse import parse
from ..context import Context
from ..state import EMPTY, FORMAT, Plain, State
from .step import relative, say, trouble_of

if TYPE_CHECKING:
    from langgraph.runtime import Runtime

MAX_STATEMENT = 2000  # characters of one statement that are kept for the agents


def intake(state: State, runtime: Runtime[Context]) -> Plain:
    """Writes run, migrations, statements, trouble; empties the rest."""
    context = runtime.context
    context.workbench.clear()  # what it holds may be of an earlier run, on a target that has changed since
    request = state.get("request") or {}
    found: Plain = {**EMPTY}
    found["run"] = {
        "format": FORMAT,
        "name": request.get("name") or "pending",
        "project": context.settings.project.name or context.layout.root.resolve().name,
        "target": _target(context),
        "wants_apply": bool(request.get("wants_apply")),
        "earlier": [],
    }
    try:
        chosen, earlier = _chosen(request.get("files") or [], context)
    except AgentdbError as error:
        found["trouble"] = trouble_of(error)
        return found
    found["run"]["earlier"] = [_brief(m, context) for m in earlier]
    found["migrations"] = [_brief(m, context) for m in chosen]
    found["statements"] = [s for m in chosen for s in _statements(m, context)]
    say(runtime, "intake", ", ".join(m.label for m in chosen) or "nothing is pending", n=len(chosen))
    return found


def _target(context: Context) -> Plain | None:
    return {"name": context.target.name, "environment": context.target.environment} if context.target else None


def _chosen(paths: list[str], context: Context) -> tuple[list[Migration], list[Migration]]:
    """The migrations of the run, and the pending ones that must go before them and are not part of it."""
    pending = _pending(context)
    if not paths:
        return pending, []
    chosen = [files.read_migration(context.layout.root / p, context.layout) for p in paths]
    chosen.sort(key=lambda m: (m.number, m.name))
    taken = {m.path.resolve() for m in chosen}
    known = {m.path.resolve() for m in files.discover(context.layout)} if context.layout.base.is_dir() else set()
    inside = [m for m in chosen if m.path.resolve() in known]
    last = max((m.number for m in inside), default=0)
    earlier = [m for m in pending if m.number <= last and m.path.resolve() not in taken]
    return chosen, earlier


def _pending(context: Context) -> list[Migration]:
    """What the target has not applied; without a target, what lies in pending/."""
    if context.target is None:
        if not context.layout.base.is_dir():
            return []
        return [m for m in files.discover(context.layout) if m.state == "pending"]
    from ...tools.ledger import history, plan

    with context.target.connect() as connection:
        return list(plan.pending(context.layout, history.rows(connection)))


def _brief(migration: Migration, context: Context) -> Plain:
    return {
        "version": migration.version,
        "name": migration.name,
        "label": migration.label,
        "path": relative(context, migration.path),
        "sha256": migration.sha256,
        "state": migration.state,
        "irreversible": " ".join(migration.headers.get("reversible", ())).lower().startswith("no"),
    }


def _statements(migration: Migration, context: Context) -> list[Plain]:
    """The statements as the agents may see them: constants, which may be rows or secrets, are left out."""
    keep = context.settings.model.send_row_data
    return [
        {
            "migration": migration.label,
            "line": p.statement.span.line,
            "kind": p.statement.kind,
            "sql": (p.statement.text if keep else grammar.without_constants(p.statement.text))[:MAX_STATEMENT],
        }
        for p in parse(migration.sql).statements
    ]
