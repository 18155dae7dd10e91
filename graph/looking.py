"""Looking at a finished run: what the slash commands print and what a model's tools may read.

Every function takes the state of a thread and answers with plain text. None takes SQL, none writes, none asks a
database, so it does not matter who calls them.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import UsageError
from ..tools import files
from ..tools.files import Layout
from ..tools.hazards.shapes import key, key_of_sql

State = Mapping[str, Any]


def report(state: State) -> str:
    """The verdict, why, and what to do; then every finding, certificate and change in one line each."""
    verdict = state.get("verdict") or {}
    if not verdict:
        return "There is no report yet."
    lines = [f"Verdict: {verdict['word']}", *(f"  {r}" for r in verdict["reasons"])]
    if verdict["do"]:
        lines += ["What to do:", *(f"  {n}. {d}" for n, d in enumerate(verdict["do"], 1))]
    lines += ["", findings(state), "", rollbacks(state), "", diff(state)]
    return "\n".join(lines)


def findings(state: State) -> str:
    """All findings, one line each, the id first."""
    found = state.get("findings") or []
    if not found:
        return "No findings."
    return "\n".join(
        f"{f['id']:<5} {f['severity']:<8} {_place(f)}  {f['rule']}: {f['title']}{_standing(f)}" for f in found
    )


def finding(state: State, id: str) -> str:
    """One finding with its reason, its fix and the evidence behind it. id: like F-3.

    Errors: UsageError with the nearest id.
    """
    found = {f["id"]: f for f in state.get("findings") or ()}
    wanted = _id(id, "F")
    if wanted not in found:
        raise UsageError(f"there is no finding {id}{_nearest(wanted, found)}", hint="/report lists them.")
    f = found[wanted]
    lines = [
        f"{f['id']} {f['severity']}: {f['title']}",
        f"  where     {_place(f)}, rule {f['rule']}",
        f"  why       {f['why']}",
    ]
    if f["fix"]:
        lines.append(f"  instead   {f['fix']}")
    lines.append(f"  sandbox   {_proof(f)}")
    held = [e for e in state.get("locks") or () if (e["path"], e["line"]) == (f["path"], f["line"])]
    mine = {key(name) for name in f.get("objects") or ()}
    lines += [f"  target    {e['sentence']}" for e in held if not e["relation"] or key_of_sql(e["relation"]) in mine]
    lines += [f"  {line}" for e in f["evidence"] for line in evidence(state, e).splitlines()]
    return "\n".join(lines)


def evidence(state: State, id: str) -> str:
    """What was measured under an id such as E-0007. Errors: UsageError."""
    known = state.get("evidence") or {}
    wanted = _id(id, "E", 4)
    if wanted not in known:
        raise UsageError(
            f"there is no evidence {id}{_nearest(wanted, known)}", hint="/why F-1 shows what was measured."
        )
    e = known[wanted]
    server = f" ({e['server']})" if e["server"] else ""
    return f"{wanted} {e['summary']}{server}"


def sql(state: State, layout: Layout, which: str = "") -> str:
    """The SQL of a migration of this run, as it is on disk. which: its number or name; all of them without.
    Errors: UsageError."""
    shown = []
    for m in _chosen(state.get("migrations") or (), which):
        path = layout.root / m["path"]
        if not path.exists() and (layout.applied / path.name).exists():  # it has been applied since
            path = layout.applied / path.name
        shown.append(f"-- {m['path']}\n{files.read_text(path).rstrip()}")
    return "\n\n".join(shown) or "This run has no migrations."


def statements(state: State, which: str = "") -> str:
    """The statements of a migration as the agents may see them: constants, which may be rows, are left out.
    which: as for `sql`. Errors: UsageError."""
    labels = {m["label"] for m in _chosen(state.get("migrations") or (), which)}
    found = [s for s in state.get("statements") or () if s["migration"] in labels]
    return "\n".join(f"{s['migration']} line {s['line']}: {s['sql']}" for s in found) or "There are no statements."


def explain(rule: str) -> str:
    """What a rule means, what it is about, and what to write instead. Errors: UsageError."""
    from ..tools.hazards.registry import by_id, nearest

    known = by_id().get(rule.strip().lower())
    if known is None:
        close = ", ".join(nearest(rule))
        raise UsageError(f"there is no rule {rule}", hint=f"Did you mean {close}?" if close else "")
    lines = [
        f"{known.id} ({known.severity.value}): {known.title}",
        f"  why       {known.why}",
        f"  instead   {known.fix}",
    ]
    return "\n".join([*lines, "  for example", *(f"    {line}" for line in known.good.strip().splitlines())])


def rollback(state: State, layout: Layout, which: str = "") -> str:
    """The certificate and the script of a migration's rollback. which: as for `sql`. Errors: UsageError."""
    known = state.get("rollbacks") or ()
    if not known:
        return "There is no rollback: the sandbox run did not get that far."
    shown = []
    for r in _chosen(known, which):
        head = f"{r['label']}: {r['class']}{'' if r['proven'] else ' (not proven)'}. {r['reason']}".rstrip()
        lines = [head, *(f"  {_loss(loss)}" for loss in r["losses"]), *(f"  differs: {d}" for d in r["differences"])]
        if r["path"] and (layout.root / r["path"]).is_file():
            lines += [f"-- {r['path']}", files.read_text(layout.root / r["path"]).rstrip()]
        shown.append("\n".join(lines))
    return "\n\n".join(shown)


def rollbacks(state: State) -> str:
    """The certificate of every rollback, one line each."""
    known = state.get("rollbacks") or ()
    lines = [f"R-{n} {r['label']}: going back is {r['class']}. {r['reason']}".rstrip() for n, r in enumerate(known, 1)]
    return "\n".join(lines) or "No rollbacks."


def diff(state: State) -> str:
    """What the migrations change in the schema, one line per object, the id first."""
    known = state.get("changes") or ()
    lines = [f"{c['id']:<5} {c['line']}" for c in known]
    return "\n".join(lines) or "No changes of the schema are known."


def erd(state: State, layout: Layout) -> str:
    """The diagram of the schema after these migrations, as Mermaid text."""
    for path in state.get("documents") or ():
        if path.endswith((".mmd", "erd.md")):
            return files.read_text(layout.root / path).rstrip()
    return "There is no diagram: the sandbox run did not get that far."


def health(state: State) -> str:
    """The health checks of the target by status, as they were when the crew looked."""
    known = state.get("health") or {}
    if not known:
        return "There is no target, so nobody was asked about its health."
    if known["problem"]:
        return str(known["problem"])
    wrong = [c for c in known["checks"] if c["status"] != "ok"]
    lines = [f"{c['id']:<5} {c['status']:<8} {c['title']} ({c['check']})" for c in wrong]
    return "\n".join([*lines, f"{len(known['checks']) - len(wrong)} of {len(known['checks'])} checks are ok."])


def notes(state: State) -> str:
    """What the agents say, from a model or from the facts, which is not used for the verdict."""
    known = state.get("notes") or {}
    lines = []
    for note in known.get("agents", ()):
        sentences = [s for part in note["parts"].values() for s in part]
        if sentences:
            lines += [note["title"], *(f"  {s['text']} [{', '.join(s['cites'])}]" for s in sentences)]
    if known.get("struck"):
        lines.append(f"{known['struck']} struck: nothing showed what was said")
    return "\n".join([f"Not used for the verdict; {known['by']}.", *lines]) if known else "No notes."


def brief(state: State) -> dict[str, Any]:
    """What a talk is told at its beginning: the names, the verdict and how many of each thing there are."""
    return {
        "migrations": [m["label"] for m in state.get("migrations") or ()],
        "target": (state.get("run") or {}).get("target"),
        "verdict": (state.get("verdict") or {}).get("word"),
        "findings": [f"{f['id']} {f['rule']}" for f in state.get("findings") or ()],
        "rollbacks": [f"R-{n} {r['label']} {r['class']}" for n, r in enumerate(state.get("rollbacks") or (), 1)],
    }


def ids_of(state: State) -> frozenset[str]:
    """Everything in a run that can be cited."""
    groups: Sequence[Any] = (
        state.get("findings") or (),
        state.get("changes") or (),
        (state.get("health") or {}).get("checks") or (),
    )
    found = {str(item["id"]) for group in groups for item in group}
    found |= {f"R-{n}" for n, _ in enumerate(state.get("rollbacks") or (), 1)}
    return frozenset(found | set(state.get("evidence") or ()))


def words_of(state: State) -> str:
    """Every name and number of a run as one text, for checking what is said about it."""
    keys = ("migrations", "statements", "findings", "rehearsal", "evidence", "rollbacks", "changes", "health")
    return json.dumps({k: state.get(k) for k in keys}, ensure_ascii=False)


def _chosen(known: Sequence[Mapping[str, Any]], which: str) -> list[Mapping[str, Any]]:
    if not which:
        return list(known)
    digits = which.lstrip("0") or "0"
    found = [k for k in known if k["label"] == which or k["label"].split("_", 1)[0].lstrip("0") == digits]
    found = found or [k for k in known if which in (k["label"].split("_", 1)[-1], k["path"])]
    if not found:
        labels = [k["label"] for k in known]
        raise UsageError(f"there is no migration {which} in this run{_nearest(which, labels)}", hint=", ".join(labels))
    return found


def _id(text: str, letter: str, width: int = 0) -> str:
    """An id as people type it ("f3", "3", "F-3") in its full form."""
    digits = text.strip().lstrip("[").rstrip("].").upper().removeprefix(letter).lstrip("-")
    return f"{letter}-{int(digits):0{width}d}" if digits.isdigit() else text.strip().upper()


def _nearest(word: str, known: Any) -> str:
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else ""


def _place(f: Mapping[str, Any]) -> str:
    return f"{f['path']}:{f['line']}" if f["line"] else str(f["path"] or "the project")


def _standing(f: Mapping[str, Any]) -> str:
    if f.get("ignored"):
        return " (ignored)"
    if any(mark.startswith("P-") for mark in f["evidence"]):
        return " (counted on the target)"
    return {"CONFIRMED": " (seen in the sandbox)", "REFUTED": " (did not happen in the sandbox)"}.get(f["proof"], "")


def _proof(f: Mapping[str, Any]) -> str:
    word = {"CONFIRMED": "seen to happen", "REFUTED": "seen not to happen; it does not count"}
    ignored = f"; ignored in the file: {f['ignored']}" if f.get("ignored") else ""
    return word.get(f["proof"], "could not be measured there") + ignored


def _loss(loss: Mapping[str, Any]) -> str:
    columns = f" ({', '.join(loss['columns'])})" if loss["columns"] else ""
    return f"does not come back: {loss['table']}{columns}. {loss['why']}".rstrip()
