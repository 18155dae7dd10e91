"""What every node shares: how it tells progress, and how a failure becomes a part of the state."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import AgentdbError, DatabaseError, RefusedError
from ...tools import files
from ...tools.records import Migration
from ..context import Context
from ..state import Plain, State

if TYPE_CHECKING:
    from langgraph.runtime import Runtime

Node = Callable[[State, "Runtime[Context]"], Plain]


def step(node: Node) -> Node:
    """A node that does nothing once a run is in trouble, and whose own errors become the run's trouble."""

    @functools.wraps(node)
    def guarded(state: State, runtime: Runtime[Context]) -> Plain:
        if state.get("trouble"):
            return {}
        try:
            return node(state, runtime)
        except AgentdbError as error:
            return {"trouble": trouble_of(error)}
        except Exception as error:
            if type(error).__module__.split(".")[0] != "psycopg":
                raise
            return {"trouble": trouble_of(from_driver(error, runtime.context))}

    return guarded


def trouble_of(error: AgentdbError) -> Plain:
    """An error as it is kept in the state."""
    found: Plain = {"what": error.what, "where": error.where, "hint": error.hint, "exit_code": error.exit_code}
    if isinstance(error, RefusedError):
        found["reason"] = error.reason
    return found


def from_driver(error: Exception, context: Context) -> DatabaseError:
    """A driver's error as one line without the rows and passwords that its details may hold."""
    diag = getattr(error, "diag", None)
    text = (getattr(diag, "message_primary", None) or str(error)).strip().splitlines()
    line = text[0] if text else type(error).__name__
    if context.target:
        line = context.target.dsn.scrub(line)
    return DatabaseError(f"the database answered: {line[:300]}", hint="Look at the server's log, then run again.")


def say(runtime: Runtime[Context], phase: str, line: str, *, n: int = 0, of: int = 0, ok: bool | None = None) -> None:
    """One line of progress to whoever listens. n of `of` when it is one of several; ok when something came out."""
    runtime.stream_writer({"type": "agentdb.progress", "phase": phase, "line": line, "n": n, "of": of, "ok": ok})


def relative(context: Context, path: Path) -> str:
    """A path as reports show it: from the project's root, or as it is when it lies elsewhere."""
    try:
        return path.resolve().relative_to(context.layout.root.resolve()).as_posix()
    except ValueError:
        return path.as_posix()


def migrations_of(state: State, context: Context, *, earlier: bool = False) -> list[Migration]:
    """The migrations of the run, read again from disk. earlier: with those that must go before them, first.

    Errors: RefusedError("edited-during-run") when a file is not what it was when the run began.
    """
    found = []
    chosen = [*state["run"].get("earlier", ()), *state["migrations"]] if earlier else state["migrations"]
    for known in chosen:
        path = context.layout.root / known["path"]
        migration = files.read_migration(path, context.layout)
        if migration.sha256 != known["sha256"]:
            raise RefusedError(
                "the file was edited while the crew worked on it",
                reason="edited-during-run",
                where=known["path"],
                hint="Run again.",
            )
        found.append(migration)
    return found
