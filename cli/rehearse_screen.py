"""How agentdb rehearse shows a rehearsal: the verdict, the curves, the figures, what to set."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..tools.rehearse import chart, report
from ..tools.rehearse.advice import shown
from ..tools.rehearse.drawing import name_of

if TYPE_CHECKING:
    from ..tools.rehearse.rehearsal import Rehearsed

NARROW, WIDE = 24, 72


def show(found: Rehearsed, source: str, written: Sequence[str], target: str) -> None:
    """The verdict first, then the curves, then what to do."""
    from .screen import console, safe, table, write

    out = console()
    word = "ok" if found.advice is None or found.advice.met else "waits"
    out.print(
        f"[{'good' if word == 'ok' else 'warn'}]{word}[/]  {safe(found.migration.label)}: {safe(report.headline(found))}"
    )
    if not found.trials:
        return
    longest, most = chart.scale(found.trials)
    width = max(NARROW, min(WIDE, out.width - 10))
    plain = "utf" not in (sys.stdout.encoding or "").lower()
    out.print(f"\n[head]Sessions that wait for a lock[/head], of {found.wishes.sessions}; the forgotten transaction ends after"
              f" {shown(found.wishes.hold)}", soft_wrap=True)  # fmt: skip
    for trial in found.trials:
        out.print(f"\n  {safe(name_of(trial))}: longest SELECT {shown(trial.reads.longest)}", soft_wrap=True)
        lines = chart.bars(trial, longest=longest, most=most, width=width, ascii_only=plain)
        for number, line in enumerate(lines):
            mark = f"{most:>4} " if number == 0 else ("   0 " if number == len(lines) - 1 else "     ")
            out.print(f"[quiet]{mark}[/quiet][note]{line}[/note]", soft_wrap=True)
    out.print(f"[quiet]     {chart.axis(longest, width)}[/quiet]\n", soft_wrap=True)
    cells = [tuple(safe(cell) for cell in report.row(trial)) for trial in found.trials]
    out.print(table(report.COLUMNS, cells, right=(2, 3, 4, 6)))
    out.print()
    for line in found.advice.lines if found.advice else ():
        write(out, safe(line))
    for line in report.settings(found, target):
        out.print(f"  {safe(line)}")
    out.print()
    for line in (f"before: {source}.", *report.method(found), *report.failures(found)):
        write(out, f"[quiet]{safe(line)}[/quiet]")
    for path in written:
        out.print(f"wrote {safe(path)}")
