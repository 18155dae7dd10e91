"""The report of a run in the terminal: the verdict first, then what to do, then the detail."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..tools.report import last_resort, locks
from .screen import console, safe, table, write

if TYPE_CHECKING:
    from rich.console import Console

WORDS = {"safe": "good", "needs approval": "warn", "blocked": "bad"}
SEVERITIES = {"error": "bad", "warning": "warn", "info": "note"}
CLASSES = {"LOSSLESS": "good", "SCHEMA_ONLY": "warn", "LOSSY": "warn", "IMPOSSIBLE": "bad"}
STATUSES = {"ok": "good", "warn": "warn", "bad": "bad", "unknown": "quiet"}
MAX_FINDINGS, MAX_CHANGES, MAX_LOCKS = 20, 20, 12
SIGNS = {True: ("+", "good"), False: ("!", "bad"), None: ("-", "quiet")}


def listener(out: Console | None = None) -> Callable[[Mapping[str, Any]], None]:
    """What prints a run's progress: one calm line for each thing done."""
    screen = out or console()

    def listen(event: Mapping[str, Any]) -> None:
        sign, style = SIGNS[event.get("ok")]
        count = f" [quiet]{event['n']}/{event['of']}[/quiet]" if event.get("of", 0) > 1 else ""
        write(screen, f"  [{style}]{sign}[/{style}] {event['phase']:<10}{count} {safe(event['line'])}", hang=15)

    return listen


def show(record: Mapping[str, Any], timings: Mapping[str, float] | None = None, out: Console | None = None) -> None:
    """Print the record. timings: seconds by migration, which the record does not hold."""
    screen = out or console()
    show_verdict(record, screen)
    _findings(screen, record["findings"])
    _sandbox(screen, record["sandbox"], timings or {})
    _locks(screen, record.get("locks") or ())
    _rollbacks(screen, record["rollbacks"])
    _changes(screen, record["documentation"])
    _health(screen, record["health"])
    _notes(screen, record["notes"])


def show_verdict(record: Mapping[str, Any], out: Console | None = None) -> None:
    """Print the verdict, why, and what to do."""
    screen = out or console()
    verdict, target = record["verdict"], record["target"]
    style = WORDS[verdict["word"]]
    names = ", ".join(m["label"] for m in record["migrations"][:6])
    more = f" and {len(record['migrations']) - 6} more" if len(record["migrations"]) > 6 else ""
    where = f" for {safe(target['name'])} ({safe(target['environment'])})" if target else ""
    screen.print()
    screen.print(f"[{style}]{verdict['word'].upper()}[/{style}]  {safe(names)}{more}{where}")
    for reason in verdict["reasons"]:
        write(screen, f"  {safe(reason)}")
    if verdict["do"]:
        screen.print()
        screen.print("[head]What to do[/head]")
        for number, line in enumerate(verdict["do"], 1):
            write(screen, f"  {number}. {safe(line)}")
    if record["plan_sha256"]:
        screen.print(f"  [quiet]plan {record['plan_sha256'][:16]}[/quiet]")


def _findings(screen: Console, findings: Sequence[Mapping[str, Any]]) -> None:
    if not findings:
        return
    _head(screen, f"{len(findings)} finding{'' if len(findings) == 1 else 's'}")
    for f in findings[:MAX_FINDINGS]:
        style = SEVERITIES[f["severity"]]
        place = f"{f['path']}:{f['line']}" if f["line"] else f["path"]
        write(
            screen,
            f"  [head]{f['id']}[/head] [{style}]{f['severity']}[/{style}] {safe(place)} [note]{safe(f['rule'])}[/note]",
        )
        write(screen, f"      {safe(f['title'].rstrip('.'))}. {safe(f['why'])}")
        if f["fix"]:
            write(screen, f"      [good]instead:[/good] {safe(f['fix'])}")
        if standing := _standing(f):
            write(screen, f"      [quiet]{safe(standing)}[/quiet]")
    if len(findings) > MAX_FINDINGS:
        screen.print(f"  [quiet]{len(findings) - MAX_FINDINGS} more are in the written report[/quiet]")


def _standing(f: Mapping[str, Any]) -> str:
    if f.get("ignored"):
        return f"ignored in the file: {f['ignored']}"
    cited = f" ({', '.join(f['evidence'])})" if f["evidence"] else ""
    words = {"CONFIRMED": "seen to happen in the sandbox", "REFUTED": "did not happen in the sandbox: does not count"}
    if any(mark.startswith("P-") for mark in f["evidence"]):  # the target's own rows said so
        words = {"CONFIRMED": "counted on the target", "REFUTED": "counted on the target: there are none"}
    return words[f["proof"]] + cited if f["proof"] in words else ""


def _sandbox(screen: Console, rehearsal: Mapping[str, Any], timings: Mapping[str, float]) -> None:
    if not rehearsal:
        return
    _head(screen, "Sandbox", f"{rehearsal['server']}, from {rehearsal['source']}")
    rows = []
    for m in rehearsal["migrations"]:
        word = {True: "[good]ok[/good]", False: "[bad]failed[/bad]", None: "[quiet]not run[/quiet]"}[m["ok"]]
        took = f"{timings[m['label']]:.2f} s" if m["label"] in timings else ""
        rows.append(
            (
                f"  {safe(m['label'])}",
                word,
                f"{m['statements']} statement{'' if m['statements'] == 1 else 's'}",
                took,
                safe(m["error"]),
            )
        )
    screen.print(table(("", "", "", "", ""), rows, right=(3,)), crop=False)
    for note in (*rehearsal["notes"], *(n for m in rehearsal["migrations"] for n in m["notes"]), *_of_rows(rehearsal)):
        write(screen, f"  [quiet]{safe(note)}[/quiet]")


def _locks(screen: Console, entries: Sequence[Mapping[str, Any]]) -> None:
    if not entries:
        return
    _head(screen, "Locks on the target", "reckoned from rates measured in the sandbox and the target's sizes")
    told = locks.noteworthy(entries)
    for entry in told[:MAX_LOCKS]:
        place = f"{entry['label']}:{entry['line']}" if entry["line"] else entry["label"]
        write(screen, f"  {safe(place)}  {safe(entry['sentence'])}", hang=6)
    if len(told) > MAX_LOCKS:
        screen.print(f"  [quiet]{len(told) - MAX_LOCKS} more: agentdb run --format json lists all[/quiet]")
    if short := locks.rest(entries):
        screen.print(f"  [quiet]{short}[/quiet]")


def _of_rows(rehearsal: Mapping[str, Any]) -> list[str]:
    return [f"{m['label']} {m['of_rows']}" for m in rehearsal["migrations"] if m["of_rows"]]


def _rollbacks(screen: Console, rollbacks: Sequence[Mapping[str, Any]]) -> None:
    if not rollbacks:
        return
    _head(screen, "Rollback", "each run up, down and up again with rows written in between")
    for r in rollbacks:
        style = CLASSES[r["class"]]
        proven = "" if r["proven"] else " [bad]not proven[/bad]"
        write(screen, f"  [{style}]{r['class']:<11}[/{style}]{proven} {safe(r['label'])}  {safe(r['reason'])}", hang=14)
        for loss in r["losses"][:4]:
            columns = f" ({', '.join(loss['columns'])})" if loss["columns"] else ""
            write(screen, f"              {safe(loss['table'] + columns)}: {safe(loss['why'])}")
        for attempt in (r.get("model_draft") or {}).get("attempts", ()):
            said = f"attempt {attempt['number']} of a model: {attempt['outcome']}: {attempt['reason']}"
            write(screen, f"              [quiet]{safe(said[:300])}[/quiet]", hang=14)
    if told := last_resort.line(r.get("model_draft") or {} for r in rollbacks):
        write(screen, f"  {safe(told)}")


def _changes(screen: Console, documentation: Mapping[str, Any]) -> None:
    changes = documentation["changes"]
    if not changes:
        return
    _head(screen, f"{len(changes)} change{'' if len(changes) == 1 else 's'} of the schema")
    for c in changes[:MAX_CHANGES]:
        write(screen, f"  {safe(c['line'])}")
    if len(changes) > MAX_CHANGES:
        screen.print(f"  [quiet]{len(changes) - MAX_CHANGES} more are in the written report[/quiet]")


def _health(screen: Console, health: Mapping[str, Any]) -> None:
    if not health:
        return
    wrong = [c for c in health["checks"] if c["status"] in ("warn", "bad")]
    if health["problem"]:
        _head(screen, "Health", health["problem"])
        return
    _head(screen, "Health", f"{len(health['checks'])} checks of the target, {len(wrong)} to look at")
    for c in wrong:
        screen.print(f"  [{STATUSES[c['status']]}]{c['status']:<5}[/{STATUSES[c['status']]}] {safe(c['title'])}")


def _notes(screen: Console, notes: Mapping[str, Any]) -> None:
    """The agents' words, only when a model wrote some; made from facts they would say what stands above."""
    said = [n for n in notes.get("agents", ()) if n["source"] == "model" and n["parts"]]
    problems = sorted(set((notes.get("problems") or {}).values()))
    if not said and not problems and not notes.get("struck"):
        return
    _head(screen, "Notes of the crew", f"{notes['by']}; not used for the verdict")
    for note in said:
        screen.print(f"  [head]{safe(note['title'])}[/head]")
        for sentences in note["parts"].values():
            for s in sentences:
                write(screen, f"    {safe(s['text'])} [quiet]{safe('[' + ', '.join(s['cites']) + ']')}[/quiet]")
    if notes.get("struck"):
        number = notes["struck"]
        screen.print(
            f"  [quiet]{number} sentence{' was' if number == 1 else 's were'} struck: nothing showed what they said[/quiet]"
        )
    for problem in problems:
        screen.print(f"  [quiet]{safe(problem)}; what the facts say stands instead[/quiet]")


def _head(screen: Console, title: str, rest: str = "") -> None:
    screen.print()
    write(screen, f"[head]{safe(title)}[/head]" + (f"  [quiet]{safe(rest)}[/quiet]" if rest else ""))
