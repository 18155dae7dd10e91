"""The Schema Documenter's work: what the migrations change in the schema, and the documentation of what they make."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..context import Context
from ..state import Plain, State
from .step import migrations_of, relative, say, step

if TYPE_CHECKING:
    from langgraph.runtime import Runtime


@step
def compare(state: State, runtime: Runtime[Context]) -> Plain:
    """Writes changes: one line per object, with the migration that makes it."""
    if not state["rehearsal"].get("ok"):
        return {}
    from ...tools.schema.diff import diff, renames_of
    from ...tools.sql.parse import parse

    context = runtime.context
    everything = migrations_of(state, context, earlier=True)
    ahead = len(everything) - len(state["migrations"])
    found: list[Plain] = []
    for number in range(ahead, len(everything)):
        migration = everything[number]
        before = context.workbench.stage(everything[:number]).snapshot
        after = context.workbench.stage(everything[: number + 1]).snapshot
        for change in diff(before, after, renames=renames_of(parse(migration.sql), before)):
            found.append(
                {
                    "id": f"S-{len(found) + 1}",
                    "migration": migration.label,
                    "kind": change.kind,
                    "object": str(change.id),
                    "line": change.line,
                }
            )
    say(runtime, "document", f"{len(found)} changes of the schema", ok=True)
    return {"changes": found}


@step
def write(state: State, runtime: Runtime[Context]) -> Plain:
    """Writes documents: the files in the docs folder, as the schema will be when the migrations have run."""
    if not state["rehearsal"].get("ok"):
        return {}
    from ...tools import files
    from ...tools.docs.write import write_docs
    from ...tools.ledger import history

    context = runtime.context
    rows: tuple[history.HistoryRow, ...] = ()
    if context.target is not None:
        with context.target.connect() as connection:
            rows = history.rows(connection)
    everything = migrations_of(state, context, earlier=True)
    stages = [context.workbench.stage(everything[:number]).snapshot for number in range(len(everything) + 1)]
    written = write_docs(
        stages[-1],
        context.layout.docs_dir,
        ledger_rows=rows,
        migrations=files.discover(context.layout) if context.layout.base.is_dir() else (),
        previous=stages[0],
        history=list(zip(everything, stages[1:], strict=True)),
    )
    paths = sorted(relative(context, p) for p in written)
    say(runtime, "document", f"{len(paths)} files in {relative(context, context.layout.docs_dir)}", ok=True)
    return {"documents": paths}
