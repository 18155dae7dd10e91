"""agentdb drift: is the live schema what the migrations made of it, and if not, why?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

if TYPE_CHECKING:
    from ..tools.databases.postgres import Connection
    from ..tools.health.drift import DriftReport
    from .context import ProjectContext, Target

STYLES = {"OUT_OF_BAND": "bad", "EDITED_FILE": "bad", "PARTIAL": "bad", "UNAPPLIED": "note"}
MOST_CHANGES = 12  # sentences an item; the JSON has all


def drift(
    target: str = typer.Option(None, "--target", "-t", help="Which target (default: the one that is set)."),
    format: Literal["text", "json"] = typer.Option("text", "--format", help="text | json."),
    sql: Literal["adopt", "revert"] = typer.Option(
        None, "--sql", help="adopt | revert: print SQL that owns up to the drift, or takes it back."
    ),
    ignore: list[str] = typer.Option(
        ["owner", "grants"], "--ignore", help="Properties that do not count; may be given several times."
    ),
) -> None:
    """Compare a live database with what the migrations make."""
    from ..errors import SandboxError
    from ..tools.health.drift import by_fingerprint
    from ..tools.health.replay import live_schema
    from ..tools.sandbox.server import sandbox_server
    from ..tools.schema.snapshot import read_snapshot
    from .context import open_project
    from .ledger import looking

    project = open_project()
    goal = project.target(target)
    with (
        looking(goal) as conn,
        sandbox_server(server_dsn=project.sandbox_dsn(), forbidden=project.all_target_dsns()) as server,
    ):
        sides = _sides(project, conn)
        script: list[str] = []
        problem = ""
        try:
            live, notes = live_schema(server, conn, goal.dsn)
            report, expected = _compared(server, sides, live, notes, ignore)
            if sql:
                script, problem = _script(server, sides, live, expected, sql, ignore)
        except SandboxError as error:
            known = by_fingerprint(read_snapshot(conn), sides["rows"], f"not rebuilt in the sandbox: {error}")
            if known is None or sql:
                raise
            report = known
    if format == "json":
        _print_json(goal, report, script, problem)
    elif sql:
        _print_sql(sql, script, problem)
    else:
        show(f"{goal.name} ({goal.settings.environment})", report)
    if report.drifted:
        raise typer.Exit(1)


def _sides(project: ProjectContext, conn: Connection) -> dict[str, Any]:
    """The ledger's rows, and the migrations as they were applied, as their files are now, and those that are pending."""
    from ..tools import files
    from ..tools.health.drift import pending_of
    from ..tools.health.wording import count
    from ..tools.ledger import archive, history
    from ..tools.records import Migration

    migrations = [m for m in files.discover(project.layout) if m.state != "archived"]
    by_number = {m.number: m for m in migrations}
    rows = history.runs(conn)
    if history.is_installed(conn):
        done = sorted(history.applied(rows).values(), key=lambda r: r.id)
        gone = archive.purges(conn)
        recorded, now = [], []
        for r in done:
            sql = history.sql_of(conn, r)
            recorded.append(Migration(r.version, r.name, Path(f"ledger/{r.label}.sql"), sql, r.checksum))
            now += [by_number[r.number]] if r.number in by_number else []
            later = next((n.started for n in done if n.id > r.id), None)
            for when, purge in gone:  # where it stands among them, for both
                if r.started <= when and (later is None or when < later):
                    recorded.append(purge)
                    now.append(purge)
        compared = f"{count(len(done), 'applied migration')}, replayed from the ledger's own copies"
    else:
        recorded = now = [m for m in migrations if m.state == "applied"]
        compared = f"{count(len(recorded), 'file')} in applied/, replayed (the target has no ledger)"
    return {
        "rows": rows,
        "migrations": migrations,
        "recorded": recorded,
        "now": now,
        "pending": pending_of(migrations, rows),
        "compared": compared,
    }


def _compared(
    server: Any, sides: dict[str, Any], live: Any, notes: tuple[str, ...], ignore: list[str]
) -> tuple[DriftReport, Any]:
    from ..tools.health.drift import drift as compare
    from ..tools.health.replay import replay

    made = replay(server, sides["recorded"], sides["now"], sides["pending"])
    report = compare(
        live,
        made.expected,
        files=made.files,
        planned=made.planned,
        migrations=sides["migrations"],
        ledger_rows=sides["rows"],
        ignore_properties=ignore,
        compared=sides["compared"],
        notes=(*notes, *made.notes),
    )
    return report, made.expected


def _script(
    server: Any, sides: dict[str, Any], live: Any, expected: Any, sql: str, ignore: list[str]
) -> tuple[list[str], str]:
    """The statements, and what is wrong with them ("" when the sandbox saw them work)."""
    from ..tools.health import drift as tool
    from ..tools.health.replay import tried

    adopt = tool.adoption(live, expected, ignore_properties=ignore)
    problem = tried(server, sides["recorded"], adopt, live)
    if sql == "adopt" or problem:
        return (adopt if sql == "adopt" else tool.reversal(live, expected, ignore_properties=ignore)), problem
    revert = tool.reversal(live, expected, ignore_properties=ignore)
    return revert, tried(server, sides["recorded"], [*adopt, *revert], expected)


def show(where: str, report: DriftReport) -> None:
    """The verdict first, then each cause with its objects."""
    from .screen import console, safe, write

    out = console()
    out.print(f"[head]{safe(where)}[/head]: [{'bad' if report.drifted else 'good'}]{safe(report.verdict)}[/]")
    write(out, f"  [quiet]compared with {safe(report.compared)}[/quiet]")
    for item in report.items:
        write(out, f"  [{STYLES[item.cause.value]}]{item.cause.value:<11}[/] {safe(item.line)}")
        if len(item.changes) > 1 or item.migration:
            for line in item.changes[:MOST_CHANGES]:
                write(out, f"              {safe(line)}")
            if len(item.changes) > MOST_CHANGES:
                out.print(f"              and {len(item.changes) - MOST_CHANGES} more; --format json has them")
    for note in report.notes:
        write(out, f"  [quiet]{safe(note)}[/quiet]")
    if report.drifted:
        out.print(
            "  agentdb drift --sql adopt prints a migration that owns up to it, --sql revert one that takes it back."
        )


def _print_sql(sql: str, script: list[str], problem: str) -> None:
    words = {
        "adopt": "makes the migrations' schema what is live",
        "revert": "takes the live schema back to the migrations'",
    }
    typer.echo(f"-- {words[sql]}; {'NOT TRIED: ' + problem if problem else 'tried in the sandbox'}")
    if sql == "revert":
        typer.echo("-- what it drops is gone with its rows; agentdb does not run it: make a migration of it")
    for statement in script:
        typer.echo(f"{statement.rstrip().rstrip(';')};")
    if not script:
        typer.echo("-- nothing to do")


def _print_json(goal: Target, report: DriftReport, script: list[str], problem: str) -> None:
    from .screen import print_json

    print_json(
        {
            "schema_version": report.schema_version,
            "target": goal.name,
            "drifted": report.drifted,
            "verdict": report.verdict,
            "compared": report.compared,
            "items": report.items,
            "notes": report.notes,
            **({"sql": script, "problem": problem} if script or problem else {}),
        }
    )
