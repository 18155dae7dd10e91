"""agentdb run: pending migrations through the crew, and the report."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

if TYPE_CHECKING:
    from ..graph.run import Crew, Standing
    from ..tools.hazards.report import Report
    from .context import ProjectContext

REFUSED, FAILED, NOT_VERIFIED = 4, 3, 5


def run(
    files: list[Path] = typer.Argument(None, help="Migration files (default: all that are pending)."),
    target: str = typer.Option(None, "--target", "-t", help="Which target (default: the only one that is set)."),
    no_model: bool = typer.Option(False, "--no-model", help="Ask no language model."),
    apply: bool = typer.Option(False, "--apply", help="Go on to the gate, and apply what is approved."),
    data: bool = typer.Option(
        None, "--data/--no-data", help="Count rows of the target that a statement would refuse (default: data_checks)."
    ),
    format: Literal["text", "json", "markdown", "sarif", "github", "gitlab", "junit"] = typer.Option(
        "text", "--format", help="How to print it; the last four hold the findings alone."
    ),
    thread: str = typer.Option(None, "--thread", help="The thread's name (default: by project, target and migration)."),
    show_prompts: bool = typer.Option(False, "--show-prompts", help="Print on stderr what is sent to the model."),
) -> None:
    """Send pending migrations through the crew and write the report."""
    from ..graph.run import name_for, thread_for
    from ..graph.state import Request
    from . import crew as opening

    project = opening.open_for_crew(no_model)
    goal = opening.target_of(project, target)
    if goal is not None and data is not None:
        goal = replace(goal, settings=goal.settings.model_copy(update={"data_checks": data}))
    model = opening.model_of(project, show_prompts=show_prompts)
    paths = list(files or [])
    request: Request = {
        "files": opening.relative_to(project, paths),
        "wants_apply": apply,
        "name": name_for(paths),
    }
    name = thread or thread_for(project.settings, goal, request)
    with opening.crew_of(project, goal, model) as crew:
        standing = crew.start(name, request, _listener(format))
        _print(standing, format)
        if apply and standing.question:
            standing = _at_the_gate(project, crew, standing, _listener(format))
            show_outcome(standing)
    if code := exit_code(standing, apply):
        raise typer.Exit(code)


def exit_code(standing: Standing, apply: bool = False) -> int:
    """The exit code that a thread's state stands for (design section 6)."""
    state = standing.state
    applied = state.get("applied") or {}
    if applied.get("ok"):
        return 0 if state["verified"]["ok"] else NOT_VERIFIED
    if applied:
        return {"failed": FAILED, "not-verified": NOT_VERIFIED}.get(applied["reason"], REFUSED)
    code = int(state["verdict"]["exit_code"])
    if code or not apply or not state["migrations"]:
        return code
    return REFUSED


def show_outcome(standing: Standing) -> None:
    """What applying, and going back, came to."""
    from .screen import console, safe, write

    out = console()
    state = standing.state
    applied = state.get("applied") or {}
    if not applied:
        return
    out.print()
    for one in applied["done"]:
        out.print(
            f"  [good]{one['status']:<11}[/good] {safe(one['label'])}  {one['statements']} statement{'' if one['statements'] == 1 else 's'}, {one['seconds']:.1f} s"
        )
    for note in applied.get("notes", ()):
        write(out, f"  [warn]note[/warn]        {safe(note)}")
    verified = state.get("verified") or {}
    if not applied["ok"]:
        error = applied["error"]
        word = "Applied, but not verified" if applied["reason"] == "not-verified" else "Not applied"
        write(out, f"[bad]{word}:[/bad] {safe(error['what'])}")
        if error["hint"]:
            write(out, f"  {safe(error['hint'])}")
    elif verified.get("ok"):
        out.print(f"[good]Applied and verified:[/good] {safe(applied['database'])} is what was rehearsed.")
    else:
        against = safe("; ".join(verified.get("against", ())))
        write(out, f"[bad]Applied, but not verified:[/bad] {against}")
    if standing.question and standing.question["kind"] == "rollback":
        out.print("[warn]Going back is offered:[/warn] agentdb review shows how, and asks.")
    back = state.get("rolled_back") or {}
    for one in back.get("done", ()):
        out.print(f"  [good]{one['status']:<11}[/good] {safe(one['label'])}")
    if incident := state.get("incident"):
        out.print(f"Incident report: {safe(incident['file'] or 'could not be written')}")


def _at_the_gate(project: ProjectContext, crew: Crew, standing: Standing, listen: Any) -> Standing:
    """The thread answered with an approval that is there already, or that the person gives now.

    Errors: RefusedError("no-approval") when nobody is there to ask.
    """
    from ..errors import RefusedError
    from ..graph.gate import Answer
    from . import deciding

    question = standing.question
    assert question is not None
    sha = question["plan_sha256"]
    approval = deciding.kept_approval(project, sha)
    needed = crew.context.policy().needs_approval(question["target"]["environment"])
    if approval is None and needed:
        if not sys.stdin.isatty():
            raise RefusedError(
                "nobody has approved this plan",
                reason="no-approval",
                where=sha[:16],
                hint=f"agentdb review --thread {standing.thread} asks for it; agentdb approve signs it beforehand.",
            )
        approval = deciding.sign_in_person(project, crew.context, question, _read)
    text = deciding.as_text(approval) if approval else ""
    return crew.answer(standing.thread, Answer(decision="approve", approval=text), sha, listen)


def _read(message: str) -> str:
    return str(typer.prompt(message.rstrip(":"), default="", show_default=False))


def _listener(format: str) -> Any:
    """Progress goes to stdout with a report for people, to stderr with one for programs."""
    from .report_screen import listener
    from .screen import console

    return listener(console() if format == "text" else console(sys.stderr))


def _print(standing: Standing, format: str) -> None:
    from ..tools.report.record import with_times

    record = with_times(standing.state["report"], standing.state)
    if format == "json":
        from .screen import print_json

        print_json(record)
    elif format == "markdown":
        from ..tools.report.markdown import markdown

        sys.stdout.write(markdown(record, {r["path"]: r["sql"] for r in standing.state["rollbacks"] if r["path"]}))
    elif format != "text":
        from .outputs import render

        sys.stdout.write(render(format, findings_of(record, standing), command="run"))
    else:
        from .report_screen import show

        show(record, standing.state.get("timings"))
        if files := standing.state.get("reports"):
            typer.echo(f"\nWritten to {', '.join(files)}")


def findings_of(record: Mapping[str, Any], standing: Standing) -> Report:
    """The findings of a run as the outputs of `check` take them."""
    from ..tools.hazards.report import Report
    from ..tools.records import Evidence, Finding, Proof, Severity

    def finding(f: Mapping[str, Any]) -> Finding:
        lists = {k: tuple(f[k]) for k in ("objects", "evidence")}
        return Finding(**{**f, **lists, "severity": Severity(f["severity"]), "proof": Proof(f["proof"])})

    return Report(
        tuple(finding(f) for f in record["findings"]),
        evidence=tuple(Evidence(**e) for e in record["evidence"]),
        paths=tuple(m["path"] for m in record["migrations"]),
        statements=len(standing.state["statements"]),
        measured=bool(record["sandbox"]),
        notes=tuple(record["sandbox"].get("notes", ())),
    )
