"""How an assessment and its outcome look in a terminal: the verdict first, calm, nothing twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...tools.emergency.since import is_own
from ..screen import console, safe, write

if TYPE_CHECKING:
    from rich.console import Console

    from ...tools.emergency.execute import Outcome
    from ...tools.emergency.facts import Assessment, Ran
    from ...tools.emergency.resume import Unfinished

CLASSES = {"LOSSLESS": "good", "SCHEMA_ONLY": "warn", "LOSSY": "warn", "IMPOSSIBLE": "bad"}
MOST = 20  # lines of one kind; the JSON has all
STATEMENTS, WIDTH = 40, 110


def show(found: Assessment, begun: Unfinished | None, lock_timeout: str) -> None:
    """The whole assessment."""
    out = console()
    style = "bad" if found.refusal else "warn" if found.costs else "good"
    write(out, f"[{style}]{safe(found.headline)}[/]")
    write(out, f"  {safe(found.target)} ({found.environment}), database {safe(found.database)}")
    if begun:
        write(out, f"  [warn]not ended[/warn]  {safe(begun.line)}")
    out.print("\n[head]What ran[/head]")
    for one in found.ran:
        _ran(out, one)
    _state(out, found)
    if found.dependents:
        out.print("\n[head]What builds on it[/head]")
        for d in found.dependents:
            write(out, f"  {safe(d.label)} on {safe(d.on)}: {safe('; '.join(d.because))}", hang=6)
    if found.labels and found.proofs:
        _way_back(out, found, lock_timeout)
    _rows(out, found)
    _list(out, "Notes", (safe(n) for n in found.notes))
    _list(out, "Written, to be reviewed", (safe(f) for f in found.files))


def next_step(found: Assessment, begun: Unfinished | None) -> None:
    """What to type after a dry run."""
    out = console()
    versions = " ".join(label.split("_", 1)[0] for label in found.labels)
    out.print()
    if begun:
        write(out, f"Nothing ran. To go on: agentdb rollback {versions} --target {safe(found.target)}")
        return
    write(
        out,
        f"Nothing ran. To approve exactly this: agentdb approve --rollback {versions} --target {safe(found.target)}",
    )
    write(out, f"Then: agentdb rollback {versions} --target {safe(found.target)}")


def show_outcome(outcome: Outcome, paths: Sequence[Path], root: Path) -> None:
    """What was done, and where the report is."""
    out = console()
    out.print()
    result = outcome.result
    if result is not None:
        for one in result.done:
            count = f"{one.statements} statement{'' if one.statements == 1 else 's'}"
            out.print(f"  [good]{one.status:<11}[/good] {safe(one.label)}  {count}, {one.seconds:.1f} s")
        verification = result.verification
        if verification.ok:
            write(
                out, f"[good]Taken back and verified:[/good] the schema of {safe(result.database)} is the expected one."
            )
        elif verification.ok is None:
            write(out, "[warn]Taken back.[/warn] There was no state to compare the schema with.")
        else:
            write(out, "[bad]Taken back, but the schema is not the expected one.[/bad]")
        for line in verification.differences:
            write(out, f"  {safe(line)}")
        for note in result.notes:
            write(out, f"  note: {safe(note)}")
    for c in outcome.conflicts:
        rows = f"{c['rows']} row{'' if c['rows'] == 1 else 's'}"
        write(out, f"  [warn]left as they are[/warn] {rows} of {safe(c['relation'])}: {safe(c['why'])}")
    for w in outcome.health:
        write(out, f"  [warn]health[/warn] {safe(w['title'])}: {w['before']} before, {w['after']} now")
    if paths:
        shown = paths[0].relative_to(root) if paths[0].is_relative_to(root) else paths[0]
        out.print(f"Incident report: {safe(str(shown))}")


def _ran(out: Console, one: Ran) -> None:
    if not one.when:
        write(out, f"  {safe(one.label)}  {one.standing.value}")
        return
    took = "" if one.seconds is None or one.standing.value != "applied" else f", {one.seconds:.1f} s"
    by = f", approved by {one.approver}" if one.approver else ""
    when = one.when.replace("T", " ").removesuffix("Z")[:16]
    write(out, f"  {safe(one.label)}  {one.standing.value} {when} UTC by {safe(one.who + by)}{took}", hang=6)
    if one.line:
        write(out, f"      {safe(one.line)}")
    for line in (*one.catalog, *one.changed):
        write(out, f"      {safe(line)}")


def _state(out: Console, found: Assessment) -> None:
    moved = found.moved
    if not found.labels or (moved.moved is None and moved.by_hand is None):
        return
    out.print("\n[head]The schema of today[/head]")
    if moved.by_hand:
        write(out, "  [warn]was changed since, and not by agentdb[/warn]")
        if moved.differences is None:
            write(out, f"  what differs cannot be told object by object: {safe(moved.compared)}")
        else:
            for line in moved.differences[:MOST]:
                write(out, f"    {safe(line)}", hang=6)
            if len(moved.differences) > MOST:
                out.print(f"    and {len(moved.differences) - MOST} more; --format json has them")
            write(out, f"  [quiet]compared with {safe(moved.compared)}[/quiet]")
    elif moved.by_hand is False:
        write(out, "  is what agentdb's last work here left")
    if moved.later:
        write(out, f"  applied later, and staying: {safe(', '.join(moved.later))}")


def _way_back(out: Console, found: Assessment, lock_timeout: str) -> None:
    out.print("\n[head]The way back, in this order[/head]")
    for number, label in enumerate(found.labels, 1):
        proof = next((p for p in found.proofs if p.label == label), None)
        if proof is None:
            continue
        style = CLASSES.get(proof.klass, "warn")
        word = proof.word or "no certificate"
        write(out, f"  {number}. {safe(label)}  [{style}]{safe(word)}[/] {safe(proof.basis)}", hang=5)
        if proof.reason and not found.refusal:
            write(out, f"     {safe(proof.reason)}")
        for line in proof.stale:
            write(out, f"     [quiet]why it was proven again: {safe(line)}[/quiet]", hang=7)
        every = [w for w in found.work if w.label == label]
        work = [w for w in every if not is_own(w.text, label)]
        for w in work[:STATEMENTS]:
            text = w.text if len(w.text) <= WIDTH else f"{w.text[: WIDTH - 1]}…"
            write(out, f"     | {safe(text)}", hang=9)
            for line in (*w.locks, *w.heavy):
                write(out, f"         [quiet]{safe(line)}[/quiet]")
        if len(work) > STATEMENTS:
            out.print(f"     | ... and {len(work) - STATEMENTS} more")
        if own := len(every) - len(work):
            out.print(f"     | [quiet]and {own} of agentdb's own bookkeeping[/quiet]")
        write(out, f"     [quiet]in {'; '.join(safe(x) for x in proof.scripts)}[/quiet]", hang=8)
    for line in found.times or (f"time in production: {_time(found)}",):
        write(out, f"  [quiet]{safe(line)}[/quiet]", hang=4)
    write(out, f"  [quiet]a lock is waited for {safe(lock_timeout)}, then the transaction is tried again[/quiet]")


def _time(found: Assessment) -> str:
    """What can be said of how long it takes."""
    if not any(p.certificate for p in found.proofs):
        return "UNKNOWN, nothing was measured"
    heavy = list(dict.fromkeys(h for w in found.work for h in w.heavy))
    if not heavy:
        return "short once the locks are granted; nothing is rewritten or read whole"
    kept = sum(p.kept for p in found.preimages)
    rows = f", up to {kept:,} rows are put back" if kept else ""
    return f"UNKNOWN, it grows with the rows ({'; '.join(heavy[:4])}){rows}; the locks above are held meanwhile"


def _rows(out: Console, found: Assessment) -> None:
    _list(out, "What goes with it", (safe(g.line) for g in found.goes))
    _list(out, "Made by hand, and goes along", (safe(x) for x in found.along))
    lost = [
        f"{p.label}: {x.table}{' (' + ', '.join(x.columns) + ')' if x.columns else ''}: {x.why}"
        for p in found.proofs
        if p.certificate
        for x in p.certificate.losses
    ]
    _list(out, "What does not come back", map(safe, lost))
    _list(out, "Written since, and stays", (safe(s.line) for s in found.since))
    kept = [
        f"{p.relation}: {p.kept:,} rows in agentdb_archive.{p.archive}{'' if p.there else ' ARE GONE'}"
        for p in found.preimages
    ]
    _list(out, "Kept before the migration", map(safe, kept))


def _list(out: Console, title: str, lines: Iterable[str]) -> None:
    every = list(lines)
    if not every:
        return
    out.print(f"\n[head]{title}[/head]")
    for line in every[:MOST]:
        write(out, f"  {line}")
    if len(every) > MOST:
        out.print(f"  and {len(every) - MOST} more; --format json has them")
