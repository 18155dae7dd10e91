"""The rollback and its capture script as files that a person reviews: what they undo, what was proven, what is lost."""

from __future__ import annotations

import textwrap
from dataclasses import replace

from .. import naming
from ..records import Certificate, Migration
from ..sql.parse import parse
from .draft import RollbackDraft

WIDTH = 110
_STATEMENTS = 8  # named in the head


def render(draft: RollbackDraft, certificate: Certificate, migration: Migration) -> str:
    """The rollback's text: a head in comments, then the statements. The same draft and proof give the same text."""
    lines = [f"Rollback of {draft.label}", ""]
    lines += _wrapped("Undoes", undone(migration))
    lines += _wrapped("Certificate", certificate.line)
    if certificate.losses:
        lines += _wrapped("Not brought back", "; ".join(_loss(x) for x in certificate.losses))
    for difference in certificate.differences[:10]:
        lines += _wrapped("Differs", difference)
    for note in draft.notes:
        lines += _wrapped("Note", note)
    steps = [str(s["step"]) + ("" if s["ok"] else " (failed)") for s in certificate.steps]
    if steps:
        lines += _wrapped(f"Proven on {certificate.server}", ", ".join(steps))
    if draft.capture_steps:
        where = "in the migration's transaction, just before it" if draft.together else "just before the migration"
        lines += _wrapped("Needs", f"the copies that {draft.label}.capture.sql makes, which runs {where}")
    head = "\n".join(f"-- {line}".rstrip() for line in lines)
    body = draft.sql or "SELECT 1;\n"
    comment = "" if draft.sql else "-- The migration leaves nothing to undo.\n"
    return f"{head}\n\n{comment}{body}"


def render_capture(draft: RollbackDraft, migration: Migration) -> str:
    """The capture script's text, "" when nothing has to be kept."""
    if not draft.capture_steps:
        return ""
    where = "in the transaction of the migration, just before it" if draft.together else "just before the migration"
    lines = [f"Pre-images for {draft.label}", ""]
    lines += _wrapped("Runs", where)
    lines += _wrapped("Keeps", "what the migration drops, deletes or changes, in schema agentdb_archive")
    head = "\n".join(f"-- {line}".rstrip() for line in lines)
    return f"{head}\n\n{draft.capture_sql}"


def certified(certificate: Certificate, text: str, capture_text: str) -> Certificate:
    """The certificate bound to the files' texts: proven were the same statements without the heads."""
    return replace(
        certificate,
        down_sha256=naming.checksum(text),
        capture_sha256=naming.checksum(capture_text) if capture_text else "",
    )


def undone(migration: Migration) -> str:
    """What the migration does, in a line: kinds of statement and the objects they name."""
    said = []
    for parsed in parse(migration.sql).statements:
        statement = parsed.statement
        if statement.kind in ("TRANSACTION", "SET"):
            continue
        names = statement.creates or statement.drops or statement.changes
        said.append(f"{statement.kind} {', '.join(names[:2])}".strip())
    said = list(dict.fromkeys(said))
    more = f", and {len(said) - _STATEMENTS} more" if len(said) > _STATEMENTS else ""
    return ", ".join(said[:_STATEMENTS]) + more or "nothing"


def _loss(loss: object) -> str:
    from .findings import loss_line

    why = getattr(loss, "why", "")
    return f"{loss_line(loss)}{f' ({why})' if why else ''}"  # type: ignore[arg-type]


def _wrapped(title: str, text: str) -> list[str]:
    clean = "".join(c if c.isprintable() else " " for c in " ".join(text.split()))
    return textwrap.wrap(f"{title}: {clean}", WIDTH, subsequent_indent="    ", break_long_words=False) or [f"{title}:"]
