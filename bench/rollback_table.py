"""The figures of the rollback benchmark as a Markdown table: ours beside the projects' own downs.

    python bench/rollback_table.py OURS.jsonl [HUMAN.jsonl]

Both are what rollback_bench.py writes. Exit 1 when a rollback was certified LOSSLESS and the benchmark says otherwise.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

RESTORED = ("exact", "column-order")
SCORED = (*RESTORED, "schema-differs", "down-failed", "no-down")

Record = dict[str, Any]


def read(path: str) -> list[Record]:
    """The scored migrations of a run."""
    records = [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]
    return [r for r in records if r["verdict"] in SCORED]


def schema(records: Sequence[Record]) -> str:
    """ "99.1 %": schema restored, column order aside."""
    return percent(sum(r["verdict"] in RESTORED for r in records), len(records))


def rows(records: Sequence[Record]) -> str:
    """ "35 of 36": rows restored, of those whose up changes rows."""
    changed = [r for r in records if r.get("data_changed_by_up")]
    return f"{sum(r.get('data_restored') is True for r in changed)} of {len(changed)}"


def certified(record: Record) -> str:
    meta = record.get("tool_meta") or {}
    return f"{meta.get('class', '')}{'' if meta.get('proven', True) else ' (not proven)'}"


def false(records: Sequence[Record]) -> list[Record]:
    """Certified LOSSLESS, and not restored."""
    return [
        r
        for r in records
        if certified(r) == "LOSSLESS" and not (r["verdict"] in RESTORED and r.get("data_restored") is True)
    ]


def percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


def line(name: str, ours: Sequence[Record], theirs: Sequence[Record]) -> str:
    lossless = sum(certified(r) == "LOSSLESS" for r in ours)
    unproven = sum("not proven" in certified(r) or certified(r) == "IMPOSSIBLE" for r in ours)
    seconds = [r["tool_meta"]["seconds"] for r in ours if (r.get("tool_meta") or {}).get("seconds")]
    cells = [
        name,
        str(len(ours)),
        schema(ours),
        rows(ours),
        str(lossless),
        str(len(false(ours))),
        str(unproven),
        f"{statistics.median(seconds):.2f}" if seconds else "-",
        schema(theirs) if theirs else "-",
        rows(theirs) if theirs else "-",
    ]
    return f"| {' | '.join(cells)} |"


def main(arguments: Sequence[str]) -> int:
    ours = read(arguments[0])
    theirs = read(arguments[1]) if len(arguments) > 1 else []
    print(
        "| project | scored | schema | rows | LOSSLESS | of those wrongly | not proven | median s | own downs: schema | rows |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for project in sorted({r["project"] for r in ours}):
        mine = [r for r in ours if r["project"] == project]
        print(line(project, mine, [r for r in theirs if r["project"] == project]))
    print(line("total", ours, theirs))
    for record in ours:
        if record["verdict"] not in RESTORED or record.get("data_restored") is not True:
            said = (record.get("tool_meta") or {}).get("reason") or record.get("gen_error") or ""
            print(
                f"not restored: {record['project']} {record['name']}, {record['verdict']}; {certified(record)}: {said}"
            )
    return 1 if false(ours) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
