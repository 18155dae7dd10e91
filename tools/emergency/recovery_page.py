"""The recovery plan as a page of Markdown and as a record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ... import __version__
from .. import files
from ..files import Layout
from ..records import to_plain
from ..report.markdown import block, code, plain
from .page import bullets, table
from .recovery import Recovery, Step

SCHEMA_VERSION = 1


def record(plan: Recovery) -> dict[str, Any]:
    """The plan for programs; keys in a fixed order, nothing in it that a clock or a chance decides."""
    point, end = plan.point_of_no_return, plan.dead_end
    return {
        "schema_version": SCHEMA_VERSION,
        "agentdb": __version__,
        "release": plan.release,
        "target": {"name": plan.target, "environment": plan.environment},
        "starts_from": plan.source,
        "point_of_no_return": _point(plan, point),
        "no_whole_way_back_from": _point(plan, end),
        "steps": [
            {
                **to_plain(step),
                "certificate": step.word,
                "time": step.time,
                "cost": step.cost,
                "command": plan.command(number),
            }
            for number, step in enumerate(plan.steps, 1)
        ],
        "approval": {"needed": plan.approval, "approvers": list(plan.approvers), "good_for_minutes": plan.ttl_minutes},
        "notes": list(plan.notes),
    }


def write(layout: Layout, plan: Recovery, name: str) -> tuple[Path, Path]:
    """The page and the record in docs/database/reports/. name: fit for a file. Errors: UsageError."""
    folder = layout.docs_dir / "reports"
    text = json.dumps(record(plan), indent=2, ensure_ascii=False) + "\n"
    return (
        files.write_whole(folder / f"recovery-{name}.md", page(plan)),
        files.write_whole(folder / f"recovery-{name}.json", text),
    )


def page(plan: Recovery) -> str:
    """The page."""
    count = len(plan.steps)
    goal = f" for {plain(plan.target)} ({plain(plan.environment)})" if plan.target else ""
    lines = [f"# Recovery plan: {plain(plan.release)}", "", f"{count} migration{'' if count == 1 else 's'}{goal}.", ""]
    lines += _points(plan)
    lines += ["## In the order in which they are applied", ""]
    rows = [
        (
            str(number),
            code(step.label),
            plain(step.word),
            plain(step.cost or "nothing"),
        )
        for number, step in enumerate(plan.steps, 1)
    ]
    lines += [*table(("Step", "Migration", "Certificate", "Going back after this step costs"), rows), ""]
    lines += ["Costs add up: going back over several steps costs what each of them costs.", ""]
    lines += ["## In the order in which they are taken back", ""]
    for step in reversed(plan.steps):
        lines += _step(step)
    lines += _who(plan)
    lines += ["## What to type", ""]
    lines += ["Look first; nothing runs, and the way back is proven again on the schema of that day:", ""]
    lines += [*block(f"{plan.command(count)} --dry-run", "sh"), "", "To take back what is applied by then:", ""]
    told = [f"{plan.command(n)}  # after step {n}" for n in range(count, 0, -1)]
    lines += [*block("\n".join(told), "sh"), ""]
    lines += [f"Measured in the sandbox with synthetic rows, from {plain(plan.source)}.", "", *bullets(plan.notes)]
    return "\n".join(lines).rstrip() + "\n"


def _point(plan: Recovery, found: tuple[int, str] | None) -> dict[str, Any] | None:
    return {"step": found[0], "migration": plan.steps[found[0] - 1].label, "why": found[1]} if found else None


def _points(plan: Recovery) -> list[str]:
    point, end = plan.point_of_no_return, plan.dead_end
    if point is None:
        return ["**Point of no return: none.** Each step can be taken back without a loss.", ""]
    number, why = point
    of = f"step {number} of {len(plan.steps)}"
    lines = [f"**Point of no return: {code(plan.steps[number - 1].label)}, {of}.** {_sentence(why)}", ""]
    if number > 1:
        lines += [f"Up to step {number - 1} going back costs nothing.", ""]
    if end is not None and end[0] != number:
        lines += [
            f"From {code(plan.steps[end[0] - 1].label)}, step {end[0]}, on there is no whole way back: {plain(end[1])}",
            "",
        ]
    return lines


def _sentence(text: str) -> str:
    shown = plain(text)
    return f"{shown[:1].upper()}{shown[1:]}{'' if shown.endswith('.') else '.'}"


def _step(step: Step) -> list[str]:
    lines = [
        f"### {code(step.label)}",
        "",
        f"- certificate: {plain(step.word)}{': ' + plain(step.reason) if step.reason else ''}",
    ]
    for loss in step.losses:
        columns = f" ({', '.join(loss.columns)})" if loss.columns else ""
        lines.append(f"- not brought back: {plain(loss.table + columns)}{': ' + plain(loss.why) if loss.why else ''}")
    if step.goes:
        lines.append(f"- drops, with what was written since: {', '.join(code(g) for g in step.goes)}")
    if step.keeps_rows:
        lines.append("- needs the rows kept in schema agentdb\\_archive: do not purge them before the release is safe")
    lines.append(f"- time: {plain(step.time)}")
    if step.locks is None:
        lines.append("- locks: UNKNOWN")
    else:
        held = "until the end of its transaction" if step.transactional else "statement by statement"
        lines.append(
            f"- locks, held {held}: {'; '.join(code(x) for x in step.locks) or 'none that keep others waiting'}"
        )
    if step.rollback_sha256:
        lines.append(
            f"- script: {code(f'migrations/rollback/{step.label}.sql')}, sha256 {code(step.rollback_sha256[:16])}"
        )
    return [*lines, ""]


def _who(plan: Recovery) -> list[str]:
    lines = ["## Who may approve", ""]
    if not plan.approval:
        return [*lines, f"No approval is needed in {plain(plan.environment)}.", ""]
    if not plan.approvers:
        return [*lines, "Nobody: there is no list of people who may approve.", ""]
    lines += bullets(plan.approvers)
    hours = f"{plan.ttl_minutes} minutes"
    return [
        *lines,
        "",
        f"One of them signs, for the schema of that moment; a signature is good for {hours} and for one use.",
        "",
    ]
