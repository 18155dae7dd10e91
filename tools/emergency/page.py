"""The page of an incident, in Markdown; nothing from a file or a database acts in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..report.markdown import code, plain

MOST_DIFFERENCES = 40


def page(told: Mapping[str, Any]) -> str:
    """The page, from the record that incident.record makes."""
    target = told["target"]
    headline = plain(told["verdict"][:1].upper() + told["verdict"][1:])
    system = plain(target["system_identifier"])
    lines = [
        f"# Rollback of {', '.join(code(m) for m in told['migrations'])} on {plain(target['name'])}",
        "",
        f"**{headline}.** Database {code(target['database'])} ({plain(target['environment'])}), system {system}.",
        "",
    ]
    if told["why"]:
        lines += [f"Reason given: {plain(told['why'])}", ""]
    if told["error"]:
        lines += [f"What went wrong: {plain(told['error']['what'])}", ""]
    lines += [
        "## Timeline",
        "",
        *table(("When (UTC)", "What"), ((e["at"], plain(e["what"])) for e in told["timeline"])),
        "",
    ]
    lines += _assessed(told["assessed"])
    lines += _approval(told)
    lines += _statements(told["statements"])
    lines += _verification(told)
    lines += ["## What did not come back", "", *(bullets(told["not_back"]) or ["Nothing is known to be missing."]), ""]
    lines += ["## What to do next", "", *(f"{n}. {plain(x)}" for n, x in enumerate(told["next"], 1)), ""]
    return "\n".join(lines).rstrip() + "\n"


def _assessed(found: Mapping[str, Any]) -> list[str]:
    lines = ["## What was assessed before", "", plain(found["verdict"]), ""]
    rows = [
        (
            code(p["label"]),
            plain(p["klass"] + ("" if p["proven"] else " (not proven)")),
            plain(p["basis"]),
            plain(p["reason"]),
        )
        for p in found["proofs"]
    ]
    if rows:
        lines += [*table(("Migration", "Certificate", "Basis", "Why"), rows), ""]
    for proof in found["proofs"]:
        if proof["stale"]:
            lines += [f"The certificate of then did not hold as it was for {code(proof['label'])}:", ""]
            lines += [*bullets(proof["stale"]), ""]
    moved = found["moved"]
    if moved["by_hand"]:
        lines += [
            f"The schema had been changed since, by other means than agentdb (compared with {plain(moved['compared'])}):",
            "",
        ]
        differences = moved["differences"]
        if differences is None:
            lines += ["- what differs could not be told object by object", ""]
        else:
            lines += [*bullets(differences[:MOST_DIFFERENCES])]
            lines += (
                [f"- and {len(differences) - MOST_DIFFERENCES} more"] if len(differences) > MOST_DIFFERENCES else []
            )
            lines.append("")
    if moved["later"]:
        lines += [f"Applied later, and still there: {', '.join(code(m) for m in moved['later'])}.", ""]
    for title, key in (("Goes with the rollback", "goes"), ("Written since, and stays", "since")):
        if found[key]:
            lines += [f"{title}:", "", *bullets(_row_line(key, item) for item in found[key]), ""]
    if found["along"]:
        lines += ["Made by hand, and goes along:", "", *bullets(found["along"]), ""]
    if found["preimages"]:
        kept = (
            f"{p['relation']}: {p['kept']} rows kept in agentdb_archive.{p['archive']}"
            + ("" if p["there"] else ", which are GONE")
            for p in found["preimages"]
        )
        lines += ["Rows kept before the migration:", "", *bullets(kept), ""]
    if found["notes"]:
        lines += ["Notes:", "", *bullets(found["notes"]), ""]
    return lines


def _row_line(key: str, item: Mapping[str, Any]) -> str:
    rows = "UNKNOWN" if item["rows"] is None else f"{item['rows']:,}"
    name = f"{item['what']} {item['name']}" if key == "goes" else item["table"]
    return f"{name}: {rows}" + (f" ({item['why']})" if item["why"] else "")


def _approval(told: Mapping[str, Any]) -> list[str]:
    lines = ["## Approval", "", f"- plan {code(told['plan_sha256'])}"]
    approval = told["approval"]
    if approval is None:
        return [*lines, "- none was needed here, or none was given", ""]
    return [
        *lines,
        f"- approved by {plain(approval['approver'])} at {plain(approval['created'])}, good until {plain(approval['expires'])}",
        f"- used once, as {code(approval['nonce'])}",
        "",
    ]


def _statements(found: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = [
        (
            code(s["migration"]),
            f"{s['number']} of {s['of']}",
            plain(s["began"]) or "did not run",
            "" if s["seconds"] is None else f"{s['seconds']:.3f}",
            code(s["text"][:200]),
        )
        for s in found
    ]
    if not rows:
        return []
    return ["## What ran", "", *table(("Rollback of", "Statement", "Began (UTC)", "Seconds", "Text"), rows), ""]


def _verification(told: Mapping[str, Any]) -> list[str]:
    found = told["verification"]
    lines = ["## Verification", ""]
    if found is None:
        lines += ["Not done: the rollback did not run to its end.", ""]
    else:
        word = {True: "The schema is the expected one.", False: "The schema is NOT the expected one."}
        lines += [word.get(found["ok"], "There was no state to compare the schema with."), ""]
        lines += [f"- expected {code(found['expected'])}"] if found["expected"] else []
        lines += [f"- found {code(found['actual'])}", *bullets(found["differences"]), ""]
    health = told["health"]
    if health["problem"]:
        lines += [plain(health["problem"]), ""]
    elif health["worse"]:
        lines += [*bullets(f"{w['title']}: {w['before']} before, {w['after']} now" for w in health["worse"]), ""]
    elif found is not None:
        lines += ["No health check is worse than before.", ""]
    return lines


def bullets(items: Iterable[object]) -> list[str]:
    return [f"- {plain(item)}" for item in items]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table of cells that are Markdown already."""
    made = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    return [*made, *(f"| {' | '.join(row)} |" for row in rows)]
