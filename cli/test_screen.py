"""How agentdb test shows a rehearsal: verdict, what to do, then each statement."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..tools.sandbox.runs import KEY_WRITES, READS, SCHEMA_CHANGES, WRITES

if TYPE_CHECKING:
    from ..tools.appcompat.model import Compatibility
    from ..tools.sandbox.rehearsal import Rehearsal
    from ..tools.sandbox.runs import StatementRun

FOR_KEYS = "writes that check a foreign key wait"
STYLE = {"ok": "good", "failed": "bad", "unknown": "warn"}


@contextmanager
def progress(first: str) -> Iterator[Callable[[str], None]]:
    """A line on stderr that says what goes on, in a terminal only; the value changes it."""
    from .screen import console

    if not sys.stderr.isatty():
        yield lambda text: None
        return
    with console(sys.stderr).status(first) as shown:
        yield shown.update


def show(found: Rehearsal, source: str, kept: str) -> None:
    """The verdict first, then what to do, then each statement and what a reader should know."""
    from .screen import console, safe, table

    out = console()
    run, label = found.run, safe(found.migration.label)
    out.print(f"[{STYLE[found.verdict]}]{found.verdict}[/]  {label}: {safe(headline(found))}")
    for line in advice(found):
        out.print(f"  {safe(line)}")
    if run.statements:
        out.print()
        cells = [tuple(safe(cell) for cell in row(statement)) for statement in run.statements]
        out.print(table(("line", "statement", "ms", "lock", "meanwhile", "work"), cells, right=(0, 2)))
    if found.timing is not None:
        for line in on_target(found):
            out.print(f"  {safe(line)}")
    out.print()
    for line in background(found, source):
        out.print(f"[quiet]{safe(line)}[/quiet]")
    if kept:
        out.print(f"kept: {safe(kept)}")


def show_application(seen: Compatibility | None, notes: Sequence[str]) -> None:
    """What the migration does to the application's queries; nothing when there are none."""
    from ..tools.appcompat.findings import findings
    from .queries import notes_on
    from .screen import console, safe

    out = console()
    for note in notes:
        out.print(f"[quiet]{safe(note)}[/quiet]")
    if seen is None:
        return
    out.print()
    for finding in findings(seen)[0]:
        style = {"error": "bad", "warning": "warn", "info": "note"}[finding.severity.value]
        out.print(f"[{style}]{finding.severity.value}[/]  line {finding.line}, {finding.rule}: {safe(finding.why)}")
    for note in notes_on(seen):
        out.print(f"[quiet]{safe(note)}[/quiet]")


def application_of(seen: Compatibility | None) -> dict[str, object]:
    """The same as JSON-plain data; {} when there are no queries."""
    from ..tools.appcompat.findings import findings

    if seen is None:
        return {}
    found, evidence = findings(seen)
    told = {
        "prepared": seen.prepared,
        "schemas": seen.moments,
        "left_out": [{"place": place, "why": why} for place, why in seen.left_out],
        "broken_off": seen.broken_off,
        "findings": found,
        "evidence": evidence,
    }
    return {"application": told}


def print_json(found: Rehearsal, source: str, kept: str, seen: Compatibility | None = None) -> None:
    """The same for programs."""
    from ..tools.sandbox.runs import evidence
    from .screen import print_json as print_plain

    print_plain(
        {
            "schema_version": 1,
            "migration": found.migration.label,
            "path": found.migration.path,
            "sha256": found.migration.sha256,
            "verdict": found.verdict,
            "reason": found.reason,
            "advice": advice(found),
            "before": {"from": source, "earlier": found.earlier, "state": found.before},
            "seeded": found.seeded,
            "run": found.run,
            "timing": found.timing,
            "evidence": evidence(found.run),
            "kept": kept,
            **application_of(seen),
        }
    )


def on_target(found: Rehearsal) -> list[str]:
    """How long locks are held on the target, and what a statement that holds none takes."""
    if found.timing is None:
        return []
    lines = [f"line {hold.line}: {hold.sentence}" for hold in found.timing.holds]
    held = {hold.index for hold in found.timing.holds}
    works = [w for w in found.timing.works if w.tables and w.index not in held]
    return lines + [f"line {work.line}: {work.sentence}" for work in works]


def headline(found: Rehearsal) -> str:
    """What happened, in one line."""
    if found.verdict == "ok":
        count = sum(not s.skipped for s in found.run.statements)
        return f"{count} statement{'' if count == 1 else 's'} in {sum(s.ms for s in found.run.statements):.0f} ms on {found.run.server}"
    return found.reason


def advice(found: Rehearsal) -> list[str]:
    """What to do about it."""
    lines = []
    if not found.run.ok and found.run.statements:
        last = found.run.statements[-1]
        lines += [text for text in (last.detail, last.hint) if text]
    if found.before.advice:
        lines.append(found.before.advice)
    elif found.run.unknown:
        lines.append(
            "The sandbox cannot say what happens in production: set sandbox.server_dsn_env to a server that can."
        )
    return lines


def background(found: Rehearsal, source: str) -> list[str]:
    """Where the numbers come from."""
    made = sum(found.seeded.rows.values())
    tables = sum(1 for count in found.seeded.rows.values() if count)
    first = f"before: {source}"
    if found.earlier:
        first += f", then {', '.join(found.earlier)}"
    lines = [f"{first}; {made} synthetic rows in {tables} tables. Times are the sandbox's, not production's."]
    lines += [
        f"no rows in {table}: {reason}"
        for table, reason in found.seeded.skipped.items()
        if not found.seeded.rows.get(table)
    ]
    lines += [f"missing: {text}" for text in found.before.missing]
    return [*lines, *found.before.notes, *found.run.notes]


def row(did: StatementRun) -> tuple[str, ...]:
    """A statement's cells: line, statement, ms, lock, what waits meanwhile, work."""
    text = " ".join(did.text.split())
    shown = text if len(text) <= 48 else text[:45] + "..."
    if did.skipped:
        return str(did.line), shown, "", "", "", f"not run: {did.skipped}"
    if not did.ok:
        return str(did.line), shown, f"{did.ms:.1f}", "", "", f"{did.sqlstate} {did.message}".strip()
    lock = max(did.locks, key=lambda one: (one.existed_before, one.rank), default=None)
    lock = lock if lock and lock.existed_before else None
    return (
        str(did.line),
        shown,
        f"{did.ms:.1f}",
        f"{lock.mode} on {short(lock.relation)}" if lock else "",
        meanwhile(did),
        "; ".join(work(did)),
    )


def meanwhile(did: StatementRun) -> str:
    """What others cannot do while the statement's transaction is open, in plain words, and on which tables."""
    if did.blocks is None:
        return "not known"
    found: dict[str, list[str]] = {}
    for name, operations in did.blocked.items():
        found.setdefault(waits(operations), []).append(short(name))
    own = {short(lock.relation) for lock in did.locks if lock.existed_before}
    lines = []
    for what, names in found.items():
        earlier = " (since before)" if not own & set(names) and what != FOR_KEYS else ""
        lines.append(f"{what} on {', '.join(names)}{earlier}")
    lines += [f"changes to {count} rows of {short(name)} wait" for name, count in did.rows_locked.items()]
    return "; ".join(lines) or "nobody waits"


def waits(operations: Sequence[str]) -> str:
    """Blocked operations in plain words."""
    blocked = set(operations)
    if blocked >= {*READS, *WRITES}:
        return "reads and writes wait"
    if blocked >= set(READS):
        return "reads wait"
    if blocked >= set(WRITES):
        return "writes wait"
    if blocked >= set(KEY_WRITES):
        return FOR_KEYS
    return "only other DDL waits" if blocked <= set(SCHEMA_CHANGES) else f"{', '.join(operations)} wait"


def work(did: StatementRun) -> list[str]:
    """What the statement did to tables that were there, in plain words."""
    parts = [f"rewrites {short(name)}" for name in did.rewrites]
    parts += [f"reads all of {short(name)}" for name in did.scans if name not in did.rewrites]
    builds: dict[str, int] = {}
    for build in did.index_builds:
        if build.existed_before:
            builds[build.table] = builds.get(build.table, 0) + 1
    parts += [f"builds {n} index{'' if n == 1 else 'es'} of {short(name)}" for name, n in builds.items()]
    if did.rows is not None:
        parts.append(f"{did.rows} row{'' if did.rows == 1 else 's'}")
    return parts + [note for note in did.notices if note.startswith("WARNING")]


def short(name: str) -> str:
    """A name without schema public."""
    return name.removeprefix("public.")
