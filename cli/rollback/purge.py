"""agentdb rollback purge: what migrations kept or set aside on a target, and its deletion once that is approved."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

from .options import FORMAT

if TYPE_CHECKING:
    from ...tools.databases.dsn import Dsn
    from ...tools.databases.postgres import Connection
    from ...tools.ledger.archive import Kept
    from ...tools.ledger.purge import PurgePlan, PurgeResult
    from ..context import ProjectContext, Target

WORDS = {"copy": "copy of", "note": "changes noted of", "helper": "helper", "table": "table", "column": "column"}


def purge(
    migration: list[str] = typer.Option(None, "--migration", "-m", help="Only what this migration kept (repeatable)."),
    older_than: str = typer.Option(None, "--older-than", help="Only what is older: 30d, 12h."),
    target: str = typer.Option(None, "--target", "-t", help="Which target (default: the only one)."),
    run: bool = typer.Option(False, "--run", help="Delete it; needs an approval (agentdb approve --purge)."),
    approval: Path = typer.Option(None, "--approval", help="The approval (default: the one in .agentdb/approvals)."),
    dry_run: bool = typer.Option(False, "--dry-run", help="With --run: check everything, delete nothing."),
    wait: float = typer.Option(30.0, "--wait", help="Seconds to wait for another agentdb."),
    format: Literal["text", "json"] = FORMAT,
) -> None:
    """Show what lies in agentdb_archive, how long, and until when it is kept. Deletes only with --run, once approved."""
    from ...errors import UsageError
    from ...tools.ledger import archive
    from ...tools.ledger import purge as purges
    from .. import ledger
    from ..context import open_project

    if run and not (migration or older_than):
        raise UsageError("what is deleted has to be named", hint="Say --migration NNN or --older-than 30d.")
    project = open_project()
    goal = project.target(target)
    age = ledger.duration(older_than) if older_than else None
    with ledger.looking(goal) as conn:
        labels = chosen(conn, migration or [], age)
        things = archive.kept(conn, labels)
        if not run:
            return show(project, goal, things, archive.unrecorded(conn), target, format)
        if not labels:
            raise UsageError("nothing that is kept here is that old", hint="`agentdb rollback purge` lists it.")
        signed = _approval(project, goal, conn, labels, approval)
    request = ledger.request(project, goal, signed, dry_run=dry_run, wait_seconds=wait)
    told(purges.purge(dataclasses.replace(request, labels=tuple(labels))), format)


def chosen(conn: Connection, names: list[str], age: timedelta | None = None) -> list[str]:
    """The migrations, by label, that have something kept: those named (by number or label), or older than `age`, or
    all. Errors: UsageError for a name that has nothing."""
    from ...errors import UsageError
    from ...tools.ledger import archive

    since: dict[str, datetime] = {}
    for thing in archive.kept(conn):
        since[thing.migration] = min(thing.since, since.get(thing.migration, thing.since))
    found = list(since)
    if names:
        found = []
        for name in names:
            stem = Path(name).name.removesuffix(".sql")
            fits = [
                label
                for label in since
                if stem == label
                or (stem.isdigit() and label.split("_")[0].isdigit() and int(label.split("_")[0]) == int(stem))
            ]
            if not fits:
                raise UsageError(
                    "nothing is kept for this migration", where=name, hint="agentdb rollback purge lists it."
                )
            found += fits
    if age is not None:
        edge = datetime.now(UTC) - age
        found = [label for label in found if since[label] < edge]
    return list(dict.fromkeys(found))


def plan_for(
    project: ProjectContext, goal: Target, conn: Connection, names: list[str]
) -> tuple[PurgePlan, tuple[Kept, ...]]:
    """The purge of what the named migrations kept; one must be named. Errors: UsageError."""
    from ...errors import UsageError
    from ...tools.ledger import purge as purges
    from .. import ledger

    if not names:
        raise UsageError(
            "which migrations? What is purged has to be named", hint="`agentdb rollback purge` lists what is kept."
        )
    return purges.build_plan(
        conn, chosen(conn, names), environment=goal.settings.environment, policy=ledger.policy(project)
    )


def show_plan(plan: PurgePlan, things: tuple[Kept, ...], dsn: Dsn) -> None:
    """Exactly what an approval of this purge would be about."""
    from ...tools.databases.copies import words
    from ..screen import console, safe

    out = console()
    out.print(f"[head]Delete for good on {plan.environment}[/head]  plan {plan.sha256[:16]}")
    out.print(f"  target     {safe(plan.database)} at {safe(dsn.identity())}, system {plan.system_identifier}")
    out.print(f"  schema     {plan.fingerprint[:19]}")
    if plan.ledger:
        out.print(f"  [warn]first[/warn]      parts of agentdb's own schema: {', '.join(n for _, n, _ in plan.ledger)}")
    out.print()
    for thing in things:
        size = "" if thing.size is None else f", {words(thing.size)}"
        out.print(f"  {safe(thing.migration)}  {WORDS[thing.kind]} {safe(thing.was)}: {safe(thing.name)}{size}")
    out.print()
    names = ", ".join(plan.labels)
    out.print(f"[bad]Point of no return:[/bad] the rollback of {safe(names)} cannot bring these rows back any more.")


def show(
    project: ProjectContext,
    goal: Target,
    things: tuple[Kept, ...],
    unrecorded: tuple[str, ...],
    target: str | None,
    format: str,
) -> None:
    """What is kept, with age and retention."""
    from ...tools.databases.copies import words
    from ..screen import console, print_json, safe, table, write

    days = project.settings.rollback.keep_days
    now = datetime.now(UTC)
    if format == "json":
        return print_json(
            {
                "schema_version": 1,
                "target": goal.name,
                "keep_days": days,
                "kept": [_plain(k, now, days) for k in things],
                "not_recorded": unrecorded,
            }
        )
    out = console()
    if not things:
        write(out, f"Nothing is kept or set aside on {safe(goal.name)}.")
    else:
        rows = [
            (
                safe(k.migration),
                f"{WORDS[k.kind]} {safe(k.was)}" + (" (rolled back since)" if k.restored else ""),
                f"{k.since:%Y-%m-%d %H:%M}",
                _age(now - k.since),
                "?" if k.size is None else f"{'about ' if k.kind == 'column' else ''}{words(k.size)}",
                _left(k, now, days),
            )
            for k in things
            if k.kind != "helper"
        ]
        out.print(table(("migration", "what", "since", "age", "size", "keep"), rows, right=(3, 4)))
    for name in unrecorded:
        write(out, f"  note  {safe(name)} stands there too; no migration is written down for it, so it is left alone")
    if things:
        flags = f" --target {target}" if target else ""
        numbers = " ".join(dict.fromkeys(k.migration.split("_")[0] for k in things))
        named = " ".join(f"--migration {n}" for n in numbers.split())
        write(out, "Nothing was deleted. To delete these for good:")
        write(
            out,
            f"  agentdb approve --purge {safe(numbers)}{flags} && agentdb rollback purge {safe(named)} --run{flags}",
        )


def told(result: PurgeResult, format: str) -> None:
    """What was deleted."""
    from ...tools.databases.copies import words
    from ..screen import console, print_json, safe, write

    if format == "json":
        things = [k.identity() for k in result.things]
        plain = {
            "plan_sha256": result.plan_sha256,
            "database": result.database,
            "bytes": result.size,
            "objects": things,
        }
        return print_json({"schema_version": 1, "purge": {**plain, "dry_run": result.dry_run}})
    out = console()
    word = "would be deleted" if result.dry_run else "[good]deleted[/good]"
    for thing in result.things:
        write(
            out, f"  {word}  {safe(thing.name)} ({WORDS[thing.kind]} {safe(thing.was)})".replace("helper )", "helper)")
        )
    names = safe(", ".join(result.labels))
    if result.dry_run:
        write(out, f"Everything holds; nothing was deleted on {safe(result.database)}. Run it without --dry-run.")
    else:
        write(
            out,
            f"About {words(result.size)} freed on {safe(result.database)}. {names}: the rollback is no longer whole.",
        )


def _approval(project: ProjectContext, goal: Target, conn: Connection, labels: list[str], given: Path | None) -> Any:
    """The approval to go by, None when there is none."""
    from ...tools.ledger import approvals
    from ...tools.ledger import purge as purges
    from .. import ledger

    if given:
        return approvals.read(given)
    plan, _ = purges.build_plan(conn, labels, environment=goal.settings.environment, policy=ledger.policy(project))
    return purges.fitting(approvals.kept(project.layout.state_dir), plan)


def _plain(thing: Kept, now: datetime, days: int) -> dict[str, Any]:
    return {
        "migration": thing.migration,
        "kind": thing.kind,
        "name": thing.name,
        "was": thing.was,
        "since": thing.since.isoformat(),
        "age_days": (now - thing.since).days,
        "bytes": thing.size,
        "rows": thing.rows,
        "restored": thing.restored.isoformat() if thing.restored else None,
        "due": now - thing.since >= timedelta(days=days),
    }


def _age(span: timedelta) -> str:
    return f"{span.days} d" if span.days else f"{span.seconds // 3600} h"


def _left(thing: Kept, now: datetime, days: int) -> str:
    left = (thing.since + timedelta(days=days) - now).days + 1
    over = (now - thing.since).days - days
    return f"{left} d more" if over < 0 else f"[warn]due[/warn] since {over} d" if over else "[warn]due[/warn]"
