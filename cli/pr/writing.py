"""Where a record goes: the terminal, files, and the step outputs and summary of a GitHub job."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ...errors import UsageError
from ...tools.hazards.report import Report
from ...tools.pullrequest.comment import CHANGED, MARKER, SIGNS, STANDS, comment, summary
from ...tools.pullrequest.escape import visible
from ...tools.pullrequest.record import Entry, Record, as_json
from ..outputs import render

FORMATS = ("text", "json", "markdown", "sarif", "github", "gitlab", "junit")
MAX_SUMMARY = 900_000  # bytes; a step's summary may have 1 MiB


def shown(record: Record, form: str) -> str:
    """The record in one of FORMATS, ending with a line feed (or empty)."""
    if form == "json":
        return as_json(record)
    if form == "markdown":
        return comment(record)
    return render(form, report_of(record), command="pr") if form != "text" else text(record)


def report_of(record: Record) -> Report:
    """The findings as the outputs take them. A rule of hazards explains itself there; of others the title is the first
    sentence of the reason."""
    from ...tools.hazards.registry import by_id

    findings = [f if f.rule in by_id() else replace(f, why=f"{f.title} {f.why}") for f in record.findings]
    return Report(
        tuple(findings),
        evidence=record.evidence,
        paths=tuple(e.path for e in record.migrations),
        statements=record.statements,
        fail_on=record.fail_on,
        measured=record.measured,
        notes=record.notes,
    )


def text(record: Record) -> str:
    """For people: the verdict, why, what to do, then a line for each migration."""
    word = SIGNS[record.verdict.word].partition("agentdb: ")[2]
    count = len(record.migrations)
    base = record.base
    span = f"{base.parted[:12]} to {base.head[:12]}"
    lines = [f"{word.capitalize()}  {count} migration{'' if count == 1 else 's'} since {base.ref} ({span})"]
    lines += [f"  - {r}" for r in record.verdict.reasons]
    if record.verdict.do:
        lines += ["", "What to do", *(f"  {n}. {d}" for n, d in enumerate(record.verdict.do, 1))]
    for entry in record.migrations:
        lines += ["", *_entry(entry, record)]
    lines += ["", *(f"note: {n}" for n in record.notes)] if record.notes else []
    return "\n".join(_inert(line) for line in lines) + "\n"


def _entry(entry: Entry, record: Record) -> list[str]:
    state = "not run" if entry.ok is None else "ran" if entry.ok else "FAILS"
    lines = [f"{entry.label}  {CHANGED[entry.change]}, {state}{f': {entry.error}' if entry.error else ''}"]
    mine = [f for f in record.findings if f.path == entry.path]
    lines += [
        f"  {f.id:<5} {f.severity.value:<8} line {f.line}  {f.rule}: {f.title}{_proof(f.proof.value)}" for f in mine
    ]
    if back := entry.rollback:
        proven = "" if back.proven else " (not proven)"
        lines.append(f"  going back  {back.klass}{proven}: {back.reason}".rstrip(": "))
        lines.append(f"              {STANDS[back.state]}: {back.path}")
    lines += [f"  locks       {x.mode} on {x.relation}{f': {x.waits}' if x.waits else ''}" for x in entry.locks]
    return lines


def _proof(proof: str) -> str:
    return {"CONFIRMED": " (seen in the sandbox)", "REFUTED": " (seen not to happen)"}.get(proof, "")


def _inert(line: str) -> str:
    """A line for a terminal, or for the log of a job that takes commands from it."""
    return visible(line).replace("##[", "## [")


def to_files(record: Record, *, note: Path | None, sarif: Path | None, data: Path | None) -> None:
    """The comment, the findings and the record written to files. Errors: UsageError."""
    from ...tools.files import write_whole

    if note:
        write_whole(note, comment(record))
    if sarif:
        write_whole(sarif, render("sarif", report_of(record), command="pr"))
    if data:
        write_whole(data, as_json(record))


def to_job(record: Record, environ: Mapping[str, str] = os.environ) -> None:
    """Step outputs and summary, where the job's runner asks for them. Errors: UsageError.

    Source: GitHub's "Workflow commands for GitHub Actions", multiline strings: the end of a value is a line of the
    writer's own choice, so it is a random one and no value may hold it.
    """
    if path := environ.get("GITHUB_OUTPUT"):
        outputs = {
            "verdict": record.verdict.word,
            "exit-code": str(record.verdict.exit_code),
            "migrations": str(len(record.migrations)),
            "findings": str(len(record.findings)),
            "summary": summary(record),
        }
        _append(Path(path), "".join(output(name, value) for name, value in outputs.items()))
    if path := environ.get("GITHUB_STEP_SUMMARY"):
        _append(Path(path), comment(record, limit=MAX_SUMMARY).removeprefix(f"{MARKER}\n") + "\n")


def output(name: str, value: str) -> str:
    """One output of a step, whatever its value holds."""
    end = f"agentdb_{secrets.token_hex(16)}"
    while end in value:
        end = f"agentdb_{secrets.token_hex(16)}"
    return f"{name}<<{end}\n{value}\n{end}\n"


def _append(path: Path, words: str) -> None:
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(words)
    except OSError as error:
        raise UsageError(f"cannot write: {error.strerror}", where=str(path)) from None
