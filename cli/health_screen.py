"""The health report for people: the verdict first, then what is wrong, then what to do; what is fine in one line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ..tools.health.result import Advice, Status
from ..tools.health.sessions import tree

if TYPE_CHECKING:
    from ..tools.health.integrity import IntegrityReport
    from ..tools.health.report import HealthReport
    from ..tools.health.result import CheckResult

STYLES = {Status.OK: "good", Status.UNKNOWN: "quiet", Status.WARN: "warn", Status.BAD: "bad"}
MOST_ADVICE = 5  # pieces of advice a check; the JSON has all


def show(where: str, report: HealthReport, counts: IntegrityReport | None) -> None:
    """Print the report."""
    from .screen import console, safe, table, write

    out = console()
    out.print(f"[head]{safe(where)}[/head]: [{STYLES[report.status]}]{safe(report.verdict)}[/]")
    if report.troubles or report.unanswered:
        out.print()
        rows = [(safe(c.id), f"[{STYLES[c.status]}]{c.status.value}[/]", safe(c.summary)) for c in _told(report)]
        out.print(table(("check", "status", "what"), rows))
    for result in report.troubles:
        if result.id == "blocking-chains":
            out.print()
            out.print("[head]Who waits for whom[/head]")
            for line in tree(result.rows):
                write(out, f"  {safe(line)}")
    if counts is not None:
        out.print()
        out.print(f"[head]Integrity[/head]: [{STYLES[counts.status]}]{safe(counts.verdict)}[/]")
        for answer in sorted(counts.answers, key=lambda a: -a.status.rank):
            write(out, f"  [{STYLES[answer.status]}]{answer.status.value:<7}[/] {safe(answer.line)}")
    steps = list(_steps(report, counts))
    if steps:
        out.print()
        out.print("[head]What to do[/head] (advice; agentdb runs none of it)")
        for name, advice in steps:
            write(out, f"  [note]{safe(name)}[/note]: {safe(advice.text)}")
            for line in advice.sql.splitlines():
                write(out, f"      {safe(line)}")
    fine = [c.id for c in report.checks if c.status is Status.OK]
    if fine and (report.troubles or report.unanswered):
        out.print()
        out.print(f"[quiet]ok: {safe(', '.join(fine))}[/quiet]")


def markdown(where: str, report: HealthReport, counts: IntegrityReport | None) -> str:
    """The report as Markdown, fit for a comment."""
    lines = [f"### Health of {where}", "", f"**{report.verdict}**", ""]
    if report.troubles or report.unanswered:
        lines += ["| check | status | what |", "| --- | --- | --- |"]
        lines += [f"| `{c.id}` | {c.status.value} | {_cell(c.summary)} |" for c in _told(report)]
        lines.append("")
    if counts is not None:
        lines += [f"**Integrity: {counts.verdict}**", ""]
        lines += [f"- {a.status.value}: {_cell(a.line)}" for a in counts.answers] + ([""] if counts.answers else [])
    for name, advice in _steps(report, counts):
        lines.append(f"- `{name}`: {_cell(advice.text)}")
        if advice.sql:
            lines += [
                "",
                "  ```sql",
                *(f"  {line}" for line in advice.sql.replace("```", "").splitlines()),
                "  ```",
                "",
            ]
    return "\n".join(lines).rstrip() + "\n"


def print_json(target: str, report: HealthReport, counts: IntegrityReport | None) -> None:
    """The whole report as JSON on stdout."""
    from .screen import print_json as put

    put(
        {
            "schema_version": report.schema_version,
            "target": target,
            "status": report.status,
            "verdict": report.verdict,
            "server": report.server,
            "checks": report.checks,
            **(
                {"integrity": {"status": counts.status, "verdict": counts.verdict, "answers": counts.answers}}
                if counts
                else {}
            ),
        }
    )


def _told(report: HealthReport) -> Sequence[CheckResult]:
    return (*report.troubles, *report.unanswered)


def _steps(report: HealthReport, counts: IntegrityReport | None) -> Iterator[tuple[str, Advice]]:
    for result in _told(report):
        for advice in result.advice[:MOST_ADVICE]:
            yield result.id, advice
        if len(result.advice) > MOST_ADVICE:
            yield result.id, Advice(f"and {len(result.advice) - MOST_ADVICE} more; --format json has them")
    for answer in counts.answers if counts else ():
        if answer.status is Status.BAD:
            for advice in answer.advice:
                yield answer.kind, advice


def _cell(text: Any) -> str:
    """Text that stays in its cell and cannot start other Markdown or HTML."""
    shown = " ".join(str(text).split())
    for character in "\\|`<>[]*_":
        shown = shown.replace(
            character, f"\\{character}" if character not in "<>" else {"<": "&lt;", ">": "&gt;"}[character]
        )
    return shown
