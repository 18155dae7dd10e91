"""A model's words on a pull request, asked when everything is settled, and checked sentence by sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ...agents.agent import checked, narrate
from ...agents.crew import CREW
from ...agents.model import Model
from ...tools.pullrequest.gather import Gathered
from ...tools.pullrequest.record import Record, Said
from ...tools.records import to_plain
from ...tools.sql import grammar
from ...tools.sql.parse import parse

SPEAK = ("resolver", "validator", "rollback")
LONGEST = 2000  # characters of one statement that the agents see


def with_notes(record: Record, gathered: Gathered, model: Model, *, send_rows: bool) -> Record:
    """The record with what the agents say by the model. An agent without an answer, or whose answer nothing showed,
    says nothing here: the facts stand in the comment already."""
    told = _told(record, gathered, send_rows)
    said, struck = [], 0
    for name in SPEAK:
        draft = narrate(CREW[name], told, model)
        note = checked(CREW[name], told, draft)
        struck += note.struck
        if note.source != "model":
            continue
        sentences = tuple((c.text, tuple(c.cites)) for claims in note.parts.values() for c in claims)
        if sentences:
            said.append(Said(note.title, sentences))
    return replace(record, model=model.name if said else "", said=tuple(said), struck=struck)


def _told(record: Record, gathered: Gathered, send_rows: bool) -> dict[str, Any]:
    """The record as the agents take their facts from it: constants of statements, which may be rows, are left out."""
    statements = [
        {
            "migration": one.label,
            "line": p.statement.span.line,
            "kind": p.statement.kind,
            "sql": (p.statement.text if send_rows else grammar.without_constants(p.statement.text))[:LONGEST],
        }
        for one in gathered.chosen
        if one.migration is not None
        for p in parse(one.migration.sql).statements
    ]
    backs = [(e.label, e.rollback) for e in record.migrations if e.rollback]
    return {
        "migrations": [{"label": e.label, "path": e.path, "state": e.folder} for e in record.migrations],
        "statements": statements,
        "findings": to_plain(record.findings),
        "moves": list(record.moves),
        "rollbacks": [
            {
                "label": label,
                "class": b.klass,
                "proven": b.proven,
                "reason": b.reason,
                "losses": to_plain(b.losses),
                "differences": list(b.differences),
                "captures": bool(b.capture_sql),
            }
            for label, b in backs
        ],
        "evidence": to_plain(record.evidence),
    }
