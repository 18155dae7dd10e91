"""What checking costs: many files read beside another linter, one statement measured in the sandbox.

    python bench/check_bench.py FOLDER [--squawk PATH] [--cases cases.jsonl]

FOLDER holds .sql files (taken again and again until there are 1,000). Rounds take turns, so that a busy machine slows
both; from each time that of checking a single file is taken off, which leaves out starting up. squawk is found on the
PATH; without it its column is left out. It is a program under the GPL and only ever run beside ours. CASES has one
JSON object a line, with `sql` and `setup` (what builds the schema before).
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from agentdb.cli.checking import Wishes, findings_of

COUNT = 1000
ROUNDS = 5
MEASURED = 60  # files to measure, about
UNDO = (".down.sql", ".capture.sql", ".pre.sql")


def seconds(command: list[str]) -> float:
    """Wall time of one process."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    began = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment, check=False)
    return time.perf_counter() - began


def reading(files: list[str], squawk: str | None) -> None:
    """Print the wall time of static checks over all files, and the ratio."""
    ours = str(Path(sys.executable).with_name("agentdb"))
    commands = {"agentdb": [ours, "check", "--static"], **({"squawk": [squawk]} if squawk else {})}
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            alone = seconds([*command, files[0]])
            taken[name].append(seconds([*command, *files]) - alone)
    medians = {name: statistics.median(times) for name, times in taken.items()}
    told = ", ".join(f"{name} {value:.2f} s" for name, value in medians.items())
    ratio = f", ratio {medians['agentdb'] / medians['squawk']:.2f}" if squawk else ""
    print(f"{len(files)} files read, start-up taken off, medians of {ROUNDS} rounds: {told}{ratio}")


def measuring(cases: Path) -> None:
    """Print what a measured check takes, a statement at a time: a file after the other in one process, each with the
    schema before it built, seeded and dropped again."""
    lines = [json.loads(line) for line in cases.read_text().splitlines()]
    each: list[float] = []
    statements = 0
    with tempfile.TemporaryDirectory() as work:
        for number, case in enumerate(lines[:: max(1, len(lines) // MEASURED)]):
            folder = Path(work, str(number))
            (folder / "before").mkdir(parents=True)
            path = folder / "case.sql"
            path.write_text(case["sql"])
            (folder / "before" / "case.sql").write_text(case.get("setup") or "SELECT 1;")
            wishes = Wishes(files=(path,), schema_dir=folder / "before")
            if not number:
                findings_of(wishes)  # starts the server
            began = time.perf_counter()
            report = findings_of(wishes)
            each.append((time.perf_counter() - began) * 1000 / max(1, report.statements))
            statements += report.statements
    print(
        f"{len(each)} files with {statements} statements measured: median {statistics.median(each):.0f} ms a statement,"
        f" the slowest tenth from {sorted(each)[len(each) * 9 // 10]:.0f} ms"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--squawk", default=shutil.which("squawk"))
    parser.add_argument("--cases", type=Path)
    asked = parser.parse_args()
    found = sorted(p for p in asked.folder.rglob("*.sql") if not p.name.endswith(UNDO))
    if not found:
        parser.error(f"{asked.folder} holds no .sql files")
    with tempfile.TemporaryDirectory() as work:
        files = []
        for number, path in enumerate(itertools.islice(itertools.cycle(found), COUNT)):
            files.append(shutil.copy(path, Path(work, f"{number:04d}.sql")))
        reading(list(map(str, files)), asked.squawk)
    if asked.cases is not None:
        measuring(asked.cases)


if __name__ == "__main__":
    main()
