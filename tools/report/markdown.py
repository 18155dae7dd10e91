"""The report as a page of Markdown, fit for a pull request: nothing from a file, a database or a model acts in it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from . import last_resort, locks

MARKER = "<!-- agentdb report -->"
SIGNS = {"safe": "✅", "needs approval": "✋", "blocked": "⛔"}
MAX_FINDINGS, MAX_CHANGES, MAX_EVIDENCE, MAX_LOCKS = 60, 60, 80, 60
_ACTIVE = re.compile(r"([\\`*_{}\[\]<>#|~!])")


def plain(text: object) -> str:
    """The text on one line, with every character that Markdown or HTML would act on made inert."""
    line = "".join(c if not unicodedata.category(c).startswith("C") else " " for c in str(text))
    line = _ACTIVE.sub(r"\\\1", " ".join(line.split()))
    # A mention or an address must not become a link either; an entity shows the same character.
    return line.replace("@", "&#64;").replace("://", "&#58;//").replace("www.", "www&#46;")


def code(text: object) -> str:
    """The text as inline code, also when it holds backticks."""
    line = "".join(c if c.isprintable() else "?" for c in " ".join(str(text).split())).replace("|", "\\|")
    fence = "`" * (max((len(run) for run in re.findall("`+", line)), default=0) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}" if line else ""


def block(text: str, language: str = "sql") -> list[str]:
    """The text as a fenced block, whatever is in it."""
    shown = "".join(c if c in "\n\t" or not unicodedata.category(c).startswith("C") else "?" for c in text)
    fence = "`" * max(3, max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    return [f"{fence}{language}", shown.rstrip("\n"), fence]


def markdown(record: Mapping[str, Any], scripts: Mapping[str, str] | None = None) -> str:
    """The page. scripts: the text of rollback scripts by path, shown folded."""
    verdict = record["verdict"]
    target = record["target"]
    lines = [MARKER, f"# {SIGNS[verdict['word']]} {verdict['word'].capitalize()}", ""]
    about = [f"{_many(record['migrations'], 'migration')} of {plain(record['project'])}"]
    if target:
        about.append(f"for {plain(target['name'])} ({plain(target['environment'])})")
    lines += [" ".join(about) + ".", ""]
    if verdict["reasons"]:
        lines += [*(f"- {plain(r)}" for r in verdict["reasons"]), ""]
    if verdict["do"]:
        lines += ["**What to do**", "", *(f"{n}. {plain(d)}" for n, d in enumerate(verdict["do"], 1)), ""]
    lines += _findings(record["findings"])
    lines += _sandbox(record["sandbox"])
    lines += _locks(record.get("locks") or ())
    lines += _rollbacks(record["rollbacks"], scripts or {})
    lines += _documentation(record["documentation"])
    lines += _health(record["health"])
    lines += _evidence(record["evidence"])
    lines += notes_box(record["notes"])
    lines += ["", "---", _footer(record)]
    return "\n".join(lines).rstrip() + "\n"


def _findings(findings: Sequence[Mapping[str, Any]]) -> list[str]:
    if not findings:
        return []
    rows = []
    for f in findings[:MAX_FINDINGS]:
        place = f"{f['path']}:{f['line']}" if f["line"] else f["path"]
        text = f"**{plain(f['title'].rstrip('.'))}.** {plain(f['why'])}"
        fix = f"<br>{plain(f['fix'])}" if f["fix"] else ""
        state = f["proof"].lower() if f["proof"] != "UNKNOWN" else "not measured"
        rows.append((f["id"], f["severity"], code(place), code(f["rule"]), f"{text}{fix}", _cited(f, state)))
    more = len(findings) - len(rows)
    extra = [f"{more} more are in the JSON report.", ""] if more > 0 else []
    return [
        f"## {_many(findings, 'finding')}",
        "",
        *_table(("id", "severity", "place", "rule", "what", "sandbox"), rows),
        *extra,
    ]


def _cited(finding: Mapping[str, Any], state: str) -> str:
    if finding.get("ignored"):
        state = f"ignored: {plain(finding['ignored'])}"
    return f"{state} ({', '.join(finding['evidence'])})" if finding["evidence"] else state


def _sandbox(rehearsal: Mapping[str, Any]) -> list[str]:
    if not rehearsal:
        return []
    rows = [
        (
            code(m["label"]),
            "ok" if m["ok"] else "failed" if m["ok"] is False else "not run",
            m["statements"],
            plain(m["error"]),
        )
        for m in rehearsal.get("migrations", ())
    ]
    head = f"Rehearsed on {plain(rehearsal.get('server') or 'no server')}, starting from {plain(rehearsal.get('source') or '?')}."
    notes = [f"- {plain(n)}" for n in rehearsal.get("notes", ())]
    return ["## Sandbox", "", head, "", *_table(("migration", "result", "statements", ""), rows), *notes, ""]


def _locks(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    if not entries:
        return []
    told = locks.noteworthy(entries)
    rows = [(code(f"{e['path']}:{e['line']}" if e["line"] else e["path"]), plain(e["sentence"])) for e in told]
    table = _table(("place", "reckoned from rates of this sandbox"), rows[:MAX_LOCKS]) if rows else []
    more = [f"{len(rows) - MAX_LOCKS} more: `agentdb run --format json` lists all."] if len(rows) > MAX_LOCKS else []
    short = [line] if (line := locks.rest(entries)) else []
    return ["## Locks on the target", "", *table, *more, *short, ""]


def _rollbacks(rollbacks: Sequence[Mapping[str, Any]], scripts: Mapping[str, str]) -> list[str]:
    if not rollbacks:
        return []
    rows = [
        (code(r["label"]), r["class"], "yes" if r["proven"] else "no", plain(r["reason"]), code(r["path"]))
        for r in rollbacks
    ]
    lines = ["## Rollback", "", *_table(("migration", "certificate", "proven", "", "script"), rows)]
    for r in rollbacks:
        for loss in r["losses"]:
            columns = f" ({', '.join(loss['columns'])})" if loss["columns"] else ""
            lines.append(f"- {code(loss['table'] + columns)}: {plain(loss['why'])}")
        if text := scripts.get(r["path"]):
            lines += ["", "<details>", f"<summary>{plain(r['path'])}</summary>", "", *block(text), "", "</details>"]
    told = last_resort.line(r.get("model_draft") or {} for r in rollbacks)
    return [*lines, *(["", f"- {plain(told)}"] if told else []), ""]


def _documentation(documentation: Mapping[str, Any]) -> list[str]:
    changes = documentation["changes"]
    if not changes:
        return []
    lines = [f"- {c['id']} {plain(c['line'])}" for c in changes[:MAX_CHANGES]]
    if len(changes) > MAX_CHANGES:
        lines.append(f"- {len(changes) - MAX_CHANGES} more are in the JSON report.")
    files = [f"- {code(p)}" for p in documentation["files"][:12]]
    written = ["", "Written:", "", *files] if files else []
    return [f"## {_many(changes, 'change')} of the schema", "", *lines, *written, ""]


def _health(health: Mapping[str, Any]) -> list[str]:
    if not health:
        return []
    if health.get("problem"):
        return ["## Health", "", plain(health["problem"]), ""]
    wrong = [
        (c["id"], code(c["check"]), c["status"], plain(c["title"])) for c in health["checks"] if c["status"] != "ok"
    ]
    fine = len(health["checks"]) - len(wrong)
    table = _table(("id", "check", "status", ""), wrong) if wrong else []
    return ["## Health of the target", "", *table, f"{fine} of {len(health['checks'])} checks are ok.", ""]


def _evidence(evidence: Sequence[Mapping[str, Any]]) -> list[str]:
    if not evidence:
        return []
    rows = [(e["id"], plain(e["summary"])) for e in evidence[:MAX_EVIDENCE]]
    return ["<details>", "<summary>What was measured</summary>", "", *_table(("id", ""), rows), "</details>", ""]


def notes_box(notes: Mapping[str, Any]) -> list[str]:
    """What a model wrote, in a box of its own that says what it is not; what agents say from facts stands above."""
    if not notes:
        return []
    said = [n for n in notes["agents"] if n["source"] == "model" and n["parts"]]
    if not said:
        return [f"> No model had a part in this: {plain(notes['by'])}.", ""]
    lines = [f"> **Notes of the crew** (not used for the verdict; {plain(notes['by'])})"]
    for note in said:
        sentences = [s for part in note["parts"].values() for s in part]
        lines += [">", f"> **{plain(note['title'])}**"]
        lines += [f"> {plain(s['text'])} \\[{', '.join(s['cites'])}\\]  " for s in sentences]
    if notes["struck"]:
        lines += [">", f"> {_many(range(notes['struck']), 'sentence')} struck: nothing showed what they said."]
    return [*lines, ""]


def _footer(record: Mapping[str, Any]) -> str:
    plan = f"plan {code(record['plan_sha256'])}" if record["plan_sha256"] else "no plan"
    prompts = ", ".join(f"{plain(k)} {v[:8]}" for k, v in record["notes"].get("prompts", {}).items())
    return f"agentdb {record['agentdb']}, {plan}" + (f", prompts {prompts}" if prompts else "")


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    lines = [f"| {' | '.join(head)} |", f"|{'|'.join(' --- ' for _ in head)}|"]
    return [*lines, *(f"| {' | '.join(str(cell) for cell in row)} |" for row in rows), ""]


def _many(items: Any, word: str) -> str:
    number = len(items)
    return f"{number} {word}{'' if number == 1 else 's'}"
