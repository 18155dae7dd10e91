"""agentdb rollback plan: the recovery plan of a release, before it goes out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

import typer

from .options import FORMAT, REPLAY, ROWS, TARGET

if TYPE_CHECKING:
    from pathlib import Path

    from ...tools.emergency.recovery import Recovery
    from ...tools.records import Migration
    from ..context import ProjectContext, Target


def plan(
    versions: list[str] = typer.Argument(None, help="Numbers or names (default: all that are pending)."),
    target: str = TARGET,
    replay: bool = REPLAY,
    release: str = typer.Option("", "--release", help="What the release is called (default: its numbers)."),
    rows: int = ROWS,
    format: Literal["text", "json"] = FORMAT,
) -> None:
    """Write the recovery plan of a release: order, locks, what going back costs after each step, who approves."""
    from ...errors import UsageError
    from ...tools.emergency import recovery, recovery_page
    from ...tools.ledger import signing
    from ...tools.sandbox.server import sandbox_server
    from .. import ledger
    from .. import test_screen as screen
    from ..context import open_project

    if target and replay:
        raise UsageError("--target and --replay exclude each other", hint="Name one of them.")
    project = open_project()
    goal = project.optional_target(target)
    chosen, there = _chosen(project, goal, versions or [])
    from_target = goal is not None and not replay and not there
    first = min(m.number for m in chosen)
    known = _before(project, first, ("applied", "pending"))
    name = release.strip() or recovery.name_of(chosen)
    sandbox = sandbox_server(server_dsn=project.sandbox_dsn(), forbidden=project.all_target_dsns())
    with screen.progress("starting the sandbox") as say, sandbox as server:
        steps, notes = recovery.measure(
            server,
            chosen,
            target=goal.dsn if goal and from_target else None,
            replayed=() if from_target else known,
            earlier=_pending_before(project, goal, first) if goal and from_target else (),
            rows=project.settings.sandbox.rows if rows is None else rows,
            say=say,
        )
    environment = goal.settings.environment if goal else ""
    made = recovery.Recovery(
        release=name,
        target=goal.name if goal else "",
        environment=environment,
        source=f"the schema of {goal.name}" if goal and from_target else "what the earlier migrations make",
        steps=steps,
        approvers=signing.principals(ledger.allowed_signers(project)),
        approval=ledger.policy(project).needs_approval(environment),
        ttl_minutes=project.settings.approval.ttl_minutes,
        notes=notes,
    )
    paths = recovery_page.write(
        project.layout, made, re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")[:80] or "release"
    )
    if format == "json":
        from ..screen import print_json

        return print_json({**recovery_page.record(made), "files": paths})
    _show(made, paths, project)


def _chosen(project: ProjectContext, goal: Target | None, versions: list[str]) -> tuple[list[Migration], bool]:
    """The migrations of the release by number, and whether the target has one of them already.

    Errors: UsageError when there are none."""
    from ...errors import UsageError
    from ...tools import files
    from ...tools.ledger import history
    from ...tools.ledger import plan as plans
    from .. import ledger

    done: set[int] = set()
    if goal is not None:
        with ledger.looking(goal) as conn:
            rows = history.runs(conn)
        done = set(history.applied(rows))
        found = ledger.chosen(project, versions) or list(plans.pending(project.layout, rows))
    else:
        found = ledger.chosen(project, versions) or [m for m in files.discover(project.layout) if m.state == "pending"]
    if not found:
        raise UsageError("there is nothing pending to plan for", hint="Name migrations: agentdb rollback plan 014.")
    found.sort(key=lambda m: m.number)
    return found, any(m.number in done for m in found)


def _before(project: ProjectContext, first: int, states: tuple[str, ...]) -> list[Migration]:
    from ...tools import files

    return [m for m in files.discover(project.layout) if m.number < first and m.state in states]


def _pending_before(project: ProjectContext, goal: Target, first: int) -> list[Migration]:
    from ...tools.ledger import history
    from ...tools.ledger import plan as plans
    from .. import ledger

    with ledger.looking(goal) as conn:
        return [m for m in plans.pending(project.layout, history.runs(conn)) if m.number < first]


def _show(made: Recovery, paths: tuple[Path, ...], project: ProjectContext) -> None:
    from ..screen import console, safe, table, write

    out = console()
    point = made.point_of_no_return
    if point is None:
        write(
            out,
            f"[good]Point of no return: none[/good]  {safe(made.release)}: each step can be taken back without a loss",
        )
    else:
        label = made.steps[point[0] - 1].label
        style = "bad" if made.dead_end and made.dead_end[0] == point[0] else "warn"
        write(out, f"[{style}]Point of no return: {safe(label)}[/], step {point[0]} of {len(made.steps)}")
        write(out, f"  {safe(point[1])}")
    out.print()
    rows = [(str(n), safe(s.label), safe(s.word), safe(s.cost or "nothing")) for n, s in enumerate(made.steps, 1)]
    out.print(table(("step", "migration", "certificate", "going back after it costs"), rows))
    out.print()
    write(out, f"To take all of it back: {safe(made.command(len(made.steps)))}")
    root = project.layout.root
    out.print(f"Written to {safe(str(paths[0].relative_to(root) if paths[0].is_relative_to(root) else paths[0]))}")
