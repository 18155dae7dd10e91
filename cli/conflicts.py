"""agentdb conflicts: migrations that collide, and the renames that put numbers right."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import typer

from .outputs import FORMATS

if TYPE_CHECKING:
    from ..tools.conflicts.case import Case
    from ..tools.conflicts.plan import Resolution
    from ..tools.records import Evidence, Finding
    from .context import ProjectContext

STYLE = {"error": "bad", "warning": "warn", "info": "note"}


def conflicts(
    format: str = typer.Option("text", help=f"How to print: {', '.join(FORMATS)}."),
    base: str = typer.Option(None, "--base", metavar="REF", help="Also against this branch (nothing is checked out)."),
    target: str = typer.Option(
        None, "--target", "-t", help="Also against this target's ledger (default: the one set)."
    ),
    offline: bool = typer.Option(False, "--offline", help="Files only: read no ledger."),
    prove: bool = typer.Option(False, "--prove", help="Run colliding migrations in both orders in the sandbox."),
    fix: bool = typer.Option(
        False, "--fix", help="Show the renames that settle conflicts, and do them when you agree."
    ),
    yes: bool = typer.Option(False, "--yes", "-y", help="Do them without asking."),
) -> None:
    """Find duplicate numbers, gaps, edited and colliding migrations."""
    from ..errors import UsageError
    from ..tools.conflicts.find import conflicts_of
    from ..tools.conflicts.plan import carry_out, resolution
    from .context import open_project

    if format not in FORMATS:
        raise UsageError(f"there is no format '{format}'", hint=f"Formats: {', '.join(FORMATS)}.")
    if (fix or yes) and format != "text":
        raise UsageError("--fix speaks to a person", hint="Leave --format out.")
    if offline and target:
        raise UsageError("--offline and --target exclude each other", hint="Name one of them.")
    project = open_project()
    case, notes = _case(project, base, target, offline)
    findings = conflicts_of(case)
    evidence: tuple[Evidence, ...] = ()
    if prove and findings:
        findings, evidence, said = _proven(project, case, findings, None if offline else target)
        notes += said
    if format != "text":
        _print(format, case, findings, evidence, notes)
        left: Sequence[Finding] = findings
    else:
        plan = resolution(case, findings)
        _show(case, findings, notes, plan, with_plan=fix or yes)
        left = findings
        if (fix or yes) and plan.moves and (yes or _agreed(len(plan.moves))):
            done = carry_out(plan)
            typer.echo(f"renamed: {len(done)} file{'s' if len(done) > 1 else ''}")
            left = plan.left
    if any(_fails(f) for f in left):
        raise typer.Exit(1)


def _fails(finding: Finding) -> bool:
    from ..tools.records import Proof, Severity

    return finding.severity is Severity.ERROR and finding.proof is not Proof.REFUTED


def _case(project: ProjectContext, base: str | None, target: str | None, offline: bool) -> tuple[Case, list[str]]:
    """Files, ledger and branch; and what a reader should know of them."""
    from ..tools import files
    from ..tools.conflicts.branches import read_branch
    from ..tools.conflicts.find import archived_files, case_of, rollback_files

    layout = project.layout
    goal = None if offline else project.optional_target(target)
    rows: Sequence[Any] = ()
    if goal is None:
        notes = ["No ledger was read: edited and missing applied files are not looked for."]
    else:
        from ..tools.ledger import history
        from .ledger import looking

        with looking(goal) as connection:
            rows = history.rows(connection)
        count = sum(r.status == "applied" for r in rows)
        notes = [f"Ledger of {goal.name}: {count} applied."]
    case = case_of(
        files.discover(layout),
        rows,
        rollback_files(layout),
        archived=archived_files(layout),
        branch=read_branch(layout, base) if base else None,
        root=layout.root,
    )
    if case.branch is not None:
        notes.append(f"{case.branch.base}: {len(case.branch.new_there)} new migrations since the branches parted.")
    return case, notes


def _proven(
    project: ProjectContext, case: Case, findings: tuple[Finding, ...], target: str | None
) -> tuple[tuple[Finding, ...], tuple[Evidence, ...], list[str]]:
    """The findings with what both orders showed, the evidence, and a line for each pair."""
    from ..tools.conflicts.merge_order import measured
    from ..tools.conflicts.prove import prove
    from ..tools.sandbox.server import sandbox_server
    from .test_screen import progress

    goal = project.optional_target(target)
    sandbox = sandbox_server(server_dsn=project.sandbox_dsn(), forbidden=project.all_target_dsns())
    with progress("running both orders in the sandbox"), sandbox as server:
        rows = project.settings.sandbox.rows
        results = prove(server, case, target=goal.dsn if goal else None, rows=rows)
    told, evidence = measured(findings, results)
    lines = [f"{e.id} {e.summary}" for e in evidence]
    return told, evidence, lines


def _print(
    format: str, case: Case, findings: Sequence[Finding], evidence: tuple[Evidence, ...], notes: Sequence[str]
) -> None:
    """The findings for programs. Outputs that print no title get it as the first sentence of the reason."""
    from ..tools.hazards.report import Report
    from .outputs import render

    if format in ("sarif", "github", "junit"):
        findings = [replace(f, why=f"{f.title} {f.why}") for f in findings]
    elif format == "gitlab":
        findings = [replace(f, title=f.title.rstrip(".")) for f in findings]
    report = Report(
        tuple(findings),
        evidence=evidence,
        paths=tuple(case.path(m) for m in case.ordered),
        measured=bool(evidence),
        notes=tuple(notes),
    )
    typer.echo(render(format, report, command="conflicts"), nl=False)


def _show(case: Case, findings: Sequence[Finding], notes: Sequence[str], plan: Resolution, *, with_plan: bool) -> None:
    """The verdict first, then each conflict in three sentences, then what can be done."""
    from ..tools.records import Proof
    from .screen import console, safe

    out = console()
    counts = [
        f"{n} {s}{'s' if n > 1 and s != 'info' else ''}" for s in STYLE if (n := sum(f.severity == s for f in findings))
    ]
    files = f"{len(case.migrations)} migration{'' if len(case.migrations) == 1 else 's'}"
    verdict = "[bad]CONFLICTS[/bad]" if any(_fails(f) for f in findings) else "[good]ok[/good]"
    out.print(f"{verdict}  {files}: {', '.join(counts) or 'no conflicts'}")
    for finding in findings:
        proof = "" if finding.proof is Proof.UNKNOWN else f" {finding.proof.value} {', '.join(finding.evidence)}"
        place = f"{finding.path}:{finding.line}" if finding.path and finding.line else finding.path
        style = STYLE[finding.severity.value]
        out.print()
        out.print(f"[{style}]{finding.id}[/] [head]{safe(finding.title)}[/head][quiet]{safe(proof)}[/quiet]")
        out.print(f"   {safe(finding.why)}")
        out.print(f"   {safe(finding.fix)}")
        out.print(f"   [quiet]{safe(f'{place}  {finding.rule}'.strip())}[/quiet]")
    if plan.moves:
        out.print()
        if with_plan:
            out.print("[head]The plan[/head]")
            for move in plan.moves:
                edit = " (its depends header changes)" if move.text is not None else ""
                arrow = (
                    f"{case.path(move.source)} -> {move.target.name}"
                    if move.target != move.source
                    else case.path(move.source)
                )
                out.print(f"  {safe(arrow)}{edit}")
                out.print(f"     [quiet]{safe(move.why)}[/quiet]")
            out.print(
                f"  {len(plan.left)} left for a person afterwards." if plan.left else "  Nothing is left afterwards."
            )
            for note in plan.notes:
                out.print(f"  [warn]{safe(note)}[/warn]")
        else:
            out.print(
                f"agentdb conflicts --fix would rename {len(plan.moves)} file{'s' if len(plan.moves) > 1 else ''}."
            )
    elif with_plan and findings:
        out.print()
        out.print("There is nothing here that renaming would settle.")
        for note in plan.notes:
            out.print(f"  [warn]{safe(note)}[/warn]")
    if notes:
        out.print()
        for note in notes:
            out.print(f"[quiet]{safe(note)}[/quiet]")


def _agreed(count: int) -> bool:
    """Whether the person says yes. Without a terminal nobody can, and nothing is done."""
    if not sys.stdin.isatty():
        typer.echo("Nothing was renamed: there is nobody to ask. Say --yes.", err=True)
        return False
    return typer.confirm(f"Rename {count} file{'s' if count > 1 else ''}?", default=False)
