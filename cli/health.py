"""agentdb health: a live database asked for what hurts or soon will; read-only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import typer

if TYPE_CHECKING:
    from ..tools.databases.postgres import Connection


def health(
    target: str = typer.Option(None, "--target", "-t", help="Which target (default: the one that is set)."),
    format: Literal["text", "json", "markdown"] = typer.Option("text", "--format", help="text | json | markdown."),
    only: list[str] = typer.Option(None, "--only", help="Ask only this check; may be given several times."),
    fail_on: Literal["warn", "bad", "never"] = typer.Option(None, "--fail-on", help="warn | bad | never."),
    integrity: bool = typer.Option(False, "--integrity", help="Also count rows that break unenforced rules."),
) -> None:
    """Check a live database: locks, indexes, limits, bloat."""
    from ..tools.health import integrity as counting
    from ..tools.health.report import health as look
    from ..tools.health.result import Status, worst
    from . import health_screen as screen
    from .context import open_project
    from .ledger import looking

    project = open_project()
    goal = project.target(target)
    with looking(goal) as conn:
        report = look(conn, only=only or (), limits=project.settings.health.limits, ledger_rows=ledger_rows(conn))
        counts = counting.integrity(conn) if integrity else None
    where = f"{goal.name} ({goal.settings.environment}) {report.server.database}"
    if format == "json":
        screen.print_json(goal.name, report, counts)
    elif format == "markdown":
        typer.echo(screen.markdown(where, report, counts), nl=False)
    else:
        screen.show(where, report, counts)
    level = fail_on or project.settings.health.fail_on
    status = worst([report.status, *([counts.status] if counts else [])])
    if level != "never" and status.rank >= Status(level).rank:
        raise typer.Exit(1)


def ledger_rows(conn: Connection) -> tuple[Any, ...] | None:
    """Every attempt that the ledger knows; None when this login may not read it, so that nobody takes that for none."""
    from ..errors import DatabaseError
    from ..tools.ledger import history

    try:
        return history.runs(conn)
    except DatabaseError:
        return None
