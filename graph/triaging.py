"""An incident as the talk about it needs it: facts and hypotheses as plain data, each with an id, and text of both.

Nothing here asks a database or runs anything; the SQL of a next step is text for a person to read and decide on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..tools.records import to_plain

if TYPE_CHECKING:
    from ..tools.health.incident import Hypothesis, Situation

# The parts of a situation in the order in which they are read, with the letter-free title that people see.
PARTS = {
    "blocking": "who waits for whom",
    "transactions": "open transactions, oldest first",
    "connections": "connections",
    "advisory_locks": "advisory locks",
    "prepared": "prepared transactions",
    "progress": "work in progress",
    "invalid_indexes": "invalid indexes",
    "sequences": "sequences near their end",
    "wraparound": "transaction ids",
    "ledger": "agentdb's own unfinished work",
}
MAX_ROWS = 12


def facts_of(situation: Situation, hypotheses: Sequence[Hypothesis]) -> dict[str, Any]:
    """Situation and hypotheses as plain data. Hypotheses are H-1, H-2, ...; their steps are numbered through."""
    plain: dict[str, Any] = to_plain(situation)
    found = []
    number = 0
    for index, hypothesis in enumerate(hypotheses, 1):
        steps = []
        for step in hypothesis.next_steps:
            number += 1
            steps.append({"n": number, **to_plain(step)})
        found.append(
            {
                "id": f"H-{index}",
                "kind": hypothesis.kind,
                "title": hypothesis.title,
                "certainty": hypothesis.certainty.value,
                "because": list(hypothesis.because),
                "steps": steps,
            }
        )
    return {"situation": plain, "hypotheses": found}


def overview(facts: Mapping[str, Any]) -> str:
    """The hypotheses with their certainty, then how much there is of each part of the situation."""
    situation = facts["situation"]
    lines = []
    if not facts["hypotheses"]:
        lines.append("Nothing is visibly wrong: none of the fixed rules found an incident.")
    for h in facts["hypotheses"]:
        lines.append(f"{h['id']} {h['certainty']}: {h['title']}")
    lines.append("")
    for part, title in PARTS.items():
        if part in situation["unanswered"]:
            lines.append(f"  {title}: not known ({situation['unanswered'][part]})")
        elif situation[part] and part not in ("connections", "wraparound"):
            lines.append(f"  {title}: {len(situation[part])}")
    if situation["deadlocks"]:
        lines.append(f"  deadlocks since the counters began: {situation['deadlocks']}")
    return "\n".join(lines).rstrip()


def part(facts: Mapping[str, Any], name: str) -> str:
    """The rows of one part of the situation. name: a key of PARTS. Errors: UsageError."""
    if name not in PARTS:
        raise UsageError(f"there is no part {name} of the situation", hint=f"Parts: {', '.join(PARTS)}.")
    situation = facts["situation"]
    if name in situation["unanswered"]:
        return f"{PARTS[name]}: not known ({situation['unanswered'][name]})"
    rows = situation[name]
    lines = [f"{PARTS[name]}:"] + [f"  {_row(r)}" for r in rows[:MAX_ROWS]]
    if len(rows) > MAX_ROWS:
        lines.append(f"  and {len(rows) - MAX_ROWS} more")
    return "\n".join(lines) if rows else f"{PARTS[name]}: none"


def whole(facts: Mapping[str, Any]) -> str:
    """Every part that has rows, after the server and the time."""
    server = facts["situation"]["server"]
    lines = [f"{_row(server)}", f"taken at {facts['situation']['taken_at']}"]
    lines += [
        part(facts, name) for name in PARTS if facts["situation"][name] or name in facts["situation"]["unanswered"]
    ]
    return "\n".join(lines)


def hypothesis(facts: Mapping[str, Any], id: str) -> str:
    """One hypothesis: the facts that speak for it, and what a person may do, the mildest first. Errors: UsageError."""
    digits = id.strip().upper().removeprefix("H").lstrip("-")
    found = next((h for h in facts["hypotheses"] if h["id"] == f"H-{digits}"), None)
    if found is None:
        known = ", ".join(h["id"] for h in facts["hypotheses"]) or "there are none"
        raise UsageError(f"there is no hypothesis {id}", hint=f"Hypotheses: {known}.")
    lines = [f"{found['id']} {found['certainty']}: {found['title']}", *(f"  because {b}" for b in found["because"])]
    for step in found["steps"]:
        lines.append(f"  {step['n']}. {step['action']}: {step['what']}")
        if step["risk"]:
            lines.append(f"     risk: {step['risk']}")
        if step["sql"] or step["command"]:
            lines.append(f"     /sql {step['n']} shows the {'SQL' if step['sql'] else 'command'}")
    return "\n".join(lines)


def step(facts: Mapping[str, Any], number: str) -> str:
    """The SQL or command of a numbered step, for a person to run by themselves. Errors: UsageError."""
    steps = {s["n"]: s for h in facts["hypotheses"] for s in h["steps"]}
    if not number.strip().isdigit() or int(number) not in steps:
        raise UsageError(f"there is no step {number}".rstrip(), hint="/why H-1 lists numbered steps.")
    found = steps[int(number)]
    text = found["sql"] or found["command"]
    if not text:
        return f"{found['what']}\nThere is nothing to run for this step."
    lead = "-- " if found["sql"] else "# "
    risk = f"\n{lead}risk: {found['risk']}" if found["risk"] else ""
    return f"{lead}{found['what']}{risk}\n{text}"


def brief(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What a model is told at the beginning: hypotheses without SQL, and how much there is of each part."""
    return {
        "server_version": facts["situation"]["server"].get("version_text")
        or facts["situation"]["server"].get("version"),
        "hypotheses": [
            {
                **{k: h[k] for k in ("id", "certainty", "title", "because")},
                "steps": [f"/sql {s['n']}: {s['what']}" for s in h["steps"]],
            }
            for h in facts["hypotheses"]
        ],
        "parts": {name: len(facts["situation"][name]) for name in PARTS},
    }


def ids_of(facts: Mapping[str, Any]) -> frozenset[str]:
    """What can be cited."""
    return frozenset(h["id"] for h in facts["hypotheses"])


def _row(row: Mapping[str, Any]) -> str:
    """A row as "key value, key value"; what holds nothing is left out, and rows below it are counted."""
    shown = []
    for key, value in row.items():
        if value in (None, "", [], {}, ()):
            continue
        if isinstance(value, list):
            value = f"{len(value)} below" if value and isinstance(value[0], Mapping) else ", ".join(map(str, value))
        shown.append(f"{key.replace('_', ' ')} {value}")
    return ", ".join(shown)
