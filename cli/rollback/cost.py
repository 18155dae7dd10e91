"""agentdb rollback cost: what keeping rows before a migration will cost on a target, before it runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

from .options import FILE, FORMAT

if TYPE_CHECKING:
    from ...tools.rollback.cost import Cost, Rate
    from ..context import ProjectContext, Target

SMALL = 16 * 1024**2  # bytes


def cost(
    file: Path = FILE,
    target: str = typer.Option(None, "--target", "-t", help="Which target (default: the only one); it is only read."),
    format: Literal["text", "json"] = FORMAT,
) -> None:
    """Tell what a migration copies before it runs: rows, bytes, the lock and the time. Exits with 1 above the limit."""
    from ...tools.files import read_migration, read_text
    from ...tools.rollback.draft import draft
    from ...tools.sandbox.server import sandbox_server
    from ..context import open_project
    from .staging import before

    project = open_project()
    goal = project.target(target)
    migration = read_migration(file, project.layout)
    if migration.capture_path is not None:
        script = read_text(migration.capture_path)
        with sandbox_server(server_dsn=project.sandbox_dsn(), forbidden=project.all_target_dsns()) as server:
            rate, why = measured(server)
    else:
        with before(file, goal.name, False, None, None, None) as (migration, server, stage, _):
            script = draft(server, stage.database, migration).capture_sql
            rate, why = measured(server)
    found = estimated(goal, script, rate, why)
    limit = project.settings.rollback.max_copy_bytes
    if format == "json":
        from ..screen import print_json

        print_json({"schema_version": 1, "migration": migration.label, "target": goal.name, **plain(found, limit)})
    else:
        say(found, project, migration.label, file)
    raise typer.Exit(1 if found.above(limit) else 0)


@dataclass(frozen=True, slots=True)
class OfDraft:
    """The cost of a capture script that was just drafted for a target."""

    found: Cost
    project: ProjectContext

    @property
    def plain(self) -> dict[str, Any]:
        return plain(self.found, self.project.settings.rollback.max_copy_bytes)

    def say(self, label: str, file: Path) -> None:
        typer.echo()
        say(self.found, self.project, label, file)


def of_draft(server: Any, target: str | None, script: str) -> OfDraft | None:
    """The cost on the target that the draft started from; None without one, or when nothing is copied.

    The sandbox's rate is measured only for copies that take a while.
    """
    from ..context import open_project

    project = open_project()
    goal = project.optional_target(target)
    if goal is None or not script:
        return None
    found = estimated(goal, script, None, "not measured for so small a copy")
    if found.high >= SMALL:
        found = estimated(goal, script, *measured(server))
    return OfDraft(found, project)


def measured(server: Any) -> tuple[Rate | None, str]:
    """The sandbox's rate of copying, or None and why there is none."""
    from ...errors import AgentdbError
    from ...tools.rollback.cost import calibrated

    try:
        return calibrated(server), ""
    except AgentdbError as error:
        return None, f"the sandbox could not be measured: {error.what}"


def estimated(goal: Target, script: str, rate: Rate | None, why: str) -> Cost:
    """What the script costs on the target, which is only read."""
    from ...tools.rollback import cost as costs
    from .. import ledger

    with ledger.looking(goal) as conn:
        conn.execute("SET lock_timeout = '2s'")
        return costs.cost(conn, script, rate, no_rate=why)


def plain(found: Cost, limit: int) -> dict[str, Any]:
    """The cost as JSON-plain data: bytes and seconds as (least, most)."""
    return {
        "tables": [
            {
                "table": t.copy.source,
                "columns": None if t.copy.columns is None else [name for name, _ in t.copy.columns],
                "copy": f"agentdb_archive.{t.copy.archive}",
                "rows": t.rows,
                "bytes": [t.low, t.high],
                "table_bytes": t.read,
                "statistics": t.statistics,
                "analysed": t.analysed.isoformat() if t.analysed else None,
            }
            for t in found.tables
        ],
        "rows": found.rows,
        "bytes": [found.low, found.high],
        "bytes_at_commit": found.more,
        "locks": found.locks,
        "seconds": found.seconds,
        "unknown_because": found.why or None,
        "assumptions": found.assumptions,
        "limit": limit,
        "above_limit": found.above(limit),
    }


def say(found: Cost, project: ProjectContext, label: str, file: Path) -> None:
    """The cost on the screen."""
    from ...tools.databases.copies import words
    from ...tools.rollback.cost import BLOCKS, span
    from ..screen import console, safe, write

    out = console()
    if found.empty:
        return write(out, f"{safe(label)} copies nothing before it runs.")
    count = len(found.tables)
    write(out, f"[head]{safe(label)}[/head] copies from {count} table{'' if count == 1 else 's'} before it runs:")
    for size in found.tables:
        columns = "all columns" if size.copy.columns is None else ", ".join(name for name, _ in size.copy.columns)
        rows = "not there" if size.rows is None else f"about {size.rows:,} rows"
        amount = " to ".join(dict.fromkeys((words(size.low), words(size.high))))
        write(out, f"  {safe(size.copy.source)} ({safe(columns)}): {rows}, {amount}")
    for held in found.locks:
        names = safe(", ".join(held.relations))
        write(out, f"  lock   {held.mode} on {names} until the migration commits: {BLOCKS.get(held.mode, '')}")
    time = span(found.seconds) if found.seconds else f"[warn]UNKNOWN[/warn]: {safe(found.why)}"
    write(out, f"  time   {time}")
    for line in found.assumptions:
        write(out, f"         {safe(line)}", hang=9)
    limit = project.settings.rollback.max_copy_bytes
    if found.above(limit):
        write(out, f"  [bad]refused[/bad] above {words(limit)} (rollback.max_copy)")
        write(out, f"Without copying: agentdb rollback set-aside {safe(str(file))}")
    else:
        write(out, f"  limit  {words(limit)} (rollback.max_copy)")
