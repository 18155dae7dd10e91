"""The Database Health Monitor's work before anything is applied: look at the target, read-only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import DatabaseError
from ..context import Context
from ..state import Plain, State
from .step import say, step

if TYPE_CHECKING:
    from langgraph.runtime import Runtime


@step
def observe(state: State, runtime: Runtime[Context]) -> Plain:
    """Writes health: the checks by status. Numbers, which differ from minute to minute, stay out of it."""
    target = runtime.context.target
    if target is None:
        return {}
    found = look(runtime.context)
    wrong = [c for c in found["checks"] if c["status"] in ("warn", "bad")]
    if found["problem"]:
        say(runtime, "health", found["problem"])
    else:
        line = f"{len(found['checks'])} checks of {target.name}, {len(wrong)} to look at"
        say(runtime, "health", line, ok=not any(c["status"] == "bad" for c in wrong))
    return {"health": found}


def look(context: Context) -> Plain:
    """The target's health as it is kept in the state. A target that cannot be asked is a problem, not an error."""
    from ...tools.health.report import health
    from ...tools.ledger import history

    assert context.target is not None
    found: Plain = {
        "target": context.target.name,
        "environment": context.target.environment,
        "problem": "",
        "checks": [],
    }
    try:
        with context.target.connect() as connection:
            report = health(connection, ledger_rows=history.runs(connection))
    except DatabaseError as error:
        found["problem"] = f"the target's health is not known: {error.what}"
        return found
    found["checks"] = [
        {"id": f"H-{n}", "check": c.id, "title": c.title, "status": c.status.value}
        for n, c in enumerate(report.checks, 1)
    ]
    return found
