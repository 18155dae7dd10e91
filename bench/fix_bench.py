"""How many hazards get a proven rewrite: over a file of labelled cases, and over the examples of this repository.

    python bench/fix_bench.py [--cases lint/cases.jsonl] [--only ID] [--show]

A case has "sql", "setup" (the schema before), "tx" ("wrap": its runner opens a transaction) and "safe". Counted are
the hazards of the unsafe ones: with a known form, with a rewrite that was tried, proven, refused (and why).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from agentdb.errors import AgentdbError
from agentdb.tools.files import Layout, discover
from agentdb.tools.fixes.offer import Offer, Outcome, offer
from agentdb.tools.fixes.prove import ROWS, Ground, Original
from agentdb.tools.hazards.context import Context
from agentdb.tools.hazards.run import Session
from agentdb.tools.sandbox import before as states
from agentdb.tools.sandbox.rehearsal import run_earlier
from agentdb.tools.sandbox.run import run_script
from agentdb.tools.sandbox.seed import seed
from agentdb.tools.sandbox.server import SandboxServer, sandbox_server
from agentdb.tools.schema.snapshot import read_snapshot
from agentdb.tools.sql.parse import parse

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Case:
    """A file to fix. setup: SQL of the schema before; migrations: or the earlier files of a project."""

    name: str
    original: Original
    version: int
    setup: str = ""
    project: Path | None = None


def cases_of(path: Path) -> Iterator[Case]:
    for line in path.read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        if not case["safe"] and case.get("dialect", "postgres") == "postgres":
            wrapped = case["tx"] == "wrap"
            original = Original(case["sql"], Path(f"007_{case['id'].replace('/', '-')}.sql"), not wrapped)
            yield Case(case["id"], original, int(case["pg_version"]), case["setup"])


def examples() -> Iterator[Case]:
    for folder in sorted((ROOT / "examples").iterdir()):
        if (folder / "agentdb.toml").is_file():
            for migration in discover(Layout(folder)):
                if migration.state == "pending":
                    original = Original(migration.sql, migration.path, migration.no_transaction, splits=True)
                    yield Case(f"{folder.name}/{migration.path.name}", original, 18, project=folder)


def fixed(server: SandboxServer, case: Case) -> Offer | str:
    """The offer for a case, or why there is none."""
    with ExitStack() as held:
        database = held.enter_context(server.create())
        taken: list[str] = []
        if case.project:
            layout = Layout(case.project)
            every = discover(layout)
            taken = [m.version for m in every]
            earlier = [m for m in every if m.path != case.original.path and m.path.name < case.original.path.name]
            states.from_migrations(database, [m for m in earlier if m.state == "applied"])
            for migration in [m for m in earlier if m.state == "pending"]:
                try:
                    run_earlier(database, [migration])
                except AgentdbError:
                    continue  # the example has a file that does not run, on purpose
        elif case.setup.strip():
            run = run_script(database, case.setup, no_transaction=True, trace=False)
            if not run.ok:
                return f"the schema before does not build: {run.error}"
        with database.connect() as connection:
            seed(connection, rows=ROWS)
            before = read_snapshot(connection)
        context = Context(
            pg_version=case.version,
            in_transaction=not case.original.no_transaction,
            before=before,
            lock_timeout_set=case.project is not None,
            splits=case.project is not None,
        )
        findings = Session(context).check(parse(case.original.sql), path=case.original.path.name)
        ground = Ground(server, database, case.original)
        held.callback(ground.close)
        return offer(ground, findings, before, context, taken=taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=Path, help="a file of labelled cases, one JSON object a line")
    parser.add_argument("--only", help="only cases whose name contains this")
    parser.add_argument("--show", action="store_true", help="print the rewrites")
    asked = parser.parse_args()
    cases = [*examples(), *(cases_of(asked.cases) if asked.cases else ())]
    cases = [c for c in cases if not asked.only or asked.only in c.name]
    total: Counter[str] = Counter()
    refused: Counter[tuple[str, str]] = Counter()
    without: Counter[str] = Counter()
    began, times = time.monotonic(), []
    with sandbox_server() as server:
        for case in cases:
            found = fixed(server, case)
            if isinstance(found, str):
                total["cases not tried"] += 1
                print(f"{case.name}: {found}")
                continue
            times.append(found.seconds)
            total["files"] += 1
            for hazard in found.hazards:
                total["hazards"] += 1
                total[hazard.outcome.value] += 1
                total["offered"] += hazard.offered
                if hazard.outcome is Outcome.REFUSED:
                    refused[hazard.finding.rule, hazard.reason] += 1
                    print(f"{case.name}: {hazard.finding.rule}: refused: {hazard.reason}")
                elif hazard.outcome is Outcome.NO_FORM:
                    without[hazard.finding.rule] += 1
            if asked.show and found.diff:
                print(found.diff)
            if found.verdict and found.verdict.proven:
                print(
                    f"{case.name}: {found.seconds:.1f} s: {found.verdict.reason}; {'; '.join(found.verdict.exceptions)}"
                )
            sys.stdout.flush()
    known = total[Outcome.PROVEN.value] + total[Outcome.REFUSED.value]
    print(f"\n{total['files']} files, {total['hazards']} findings, {total['cases not tried']} files not tried")
    print(f"known form {known}, offered {total['offered']}, proven {total[Outcome.PROVEN.value]},")
    print(f"refused {total[Outcome.REFUSED.value]}, no known form {total[Outcome.NO_FORM.value]},", end=" ")
    print(f"seen not to happen {total[Outcome.SPARED.value]}")
    for (rule, reason), count in sorted(refused.items()):
        print(f"  refused {count}x {rule}: {reason}")
    print("  no known form: " + ", ".join(f"{rule} {count}" for rule, count in sorted(without.items())))
    if times:
        times.sort()
        print(f"a file takes {times[len(times) // 2]:.1f} s (median), {times[-1]:.1f} s at most")
        print(f"{time.monotonic() - began:.0f} s in all")


if __name__ == "__main__":
    main()
