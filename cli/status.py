"""agentdb status: what is pending, applied or interrupted, as files, ledger and catalog show it together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import typer

if TYPE_CHECKING:
    from ..tools.ledger.status import StatusReport

STYLE = {
    "pending": "note",
    "applied": "good",
    "in applied/": "quiet",
    "running": "warn",
    "interrupted": "bad",
    "failed": "bad",
    "edited": "bad",
    "missing": "bad",
}


def status(
    target: str = typer.Option(None, "--target", "-t", help="Which target (default: the one that is set)."),
    format: Literal["text", "json"] = typer.Option("text", "--format", help="text | json."),
) -> None:
    """What is pending, applied or interrupted, as files and target really are."""
    from ..tools.ledger.status import status as look
    from .context import open_project

    project = open_project()
    goal = project.optional_target(target)
    if goal is None:
        report = look(project.layout)
    else:
        from . import ledger

        with ledger.looking(goal) as conn:
            report = look(project.layout, conn)
    if format == "json":
        from .screen import print_json

        print_json(
            {
                "schema_version": 1,
                "target": goal.name if goal else None,
                "environment": goal.settings.environment if goal else None,
                "verdict": report.verdict,
                "status": report,
            }
        )
        return
    where = f"{goal.name} ({goal.settings.environment})" if goal else "files only; no target's variable is set"
    show(report, where)


def show(report: StatusReport, where: str) -> None:
    """The verdict first, then what to do, then each migration."""
    from .screen import console, safe, table

    out = console()
    database = f" {report.target['database']}" if report.target else ""
    out.print(f"[head]{safe(where)}{safe(database)}[/head]: {report.verdict}")
    if report.holder:
        out.print(f"  [warn]an agentdb is at work here now[/warn] (session {report.holder})")
    if report.target and not report.ledger:
        out.print("  no ledger yet: the first approved apply makes it")
    if report.unchanged is False:
        out.print("  [warn]the schema was changed since the last migration, outside agentdb[/warn]: agentdb drift")
    urgent = [m for m in report.migrations if m.needs_care]
    for one in urgent:
        out.print(f"  [bad]{safe(one.label)}[/bad]: {safe(one.todo)}")
    if report.migrations:
        out.print()
        rows = [(safe(m.label), f"[{STYLE[m.state.value]}]{m.state.value}[/]", safe(m.line)) for m in report.migrations]
        out.print(table(("migration", "state", "what is true"), rows))
    for one in report.migrations:
        for line in (*one.catalog, *one.notes):
            out.print(f"  {safe(one.label)}: {safe(line)}")
