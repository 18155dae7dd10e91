"""A rollback that somebody offers where the drafted one cannot be proven: taken only if the same proof says it is better.

Who offers it does not matter here, and nothing that it says about itself does. It has to keep to what
`untrusted.objections` allows, it runs in a copy with a bound on time, and its certificate has to be of a better class.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..records import Certificate, CertificateClass
from ..sql.parse import parse
from ..sql.quote import ident
from .file import certified, render
from .notes import Note
from .preimages import ARCHIVE
from .proof import prove
from .rehearse import Rehearsed
from .untrusted import objections, without_comments

if TYPE_CHECKING:
    from ..sandbox.databases import SandboxDatabase
    from ..sandbox.server import SandboxServer

TIMEOUT = "30s"  # for one statement
RANK = (
    CertificateClass.IMPOSSIBLE,
    CertificateClass.LOSSY,
    CertificateClass.SCHEMA_ONLY,
    CertificateClass.LOSSLESS,
)


@dataclass(frozen=True, slots=True)
class Offer:
    """What came of an offered rollback. sql: as it was tried, without comments. taken: with its files, else None."""

    sql: str
    reason: str
    certificate: Certificate | None = None
    taken: Rehearsed | None = None


def wanted(made: Rehearsed) -> bool:
    """Whether the drafted rollback is one that could be bettered: the schema does not return, or it does not run."""
    return made.certificate.klass is CertificateClass.IMPOSSIBLE and made.draft.study is not None


def offer(server: SandboxServer, database: SandboxDatabase, made: Rehearsed, sql: str, origin: str) -> Offer:
    """The offered rollback in place of the drafted one, if it is better; `database`, in the state before, is kept.

    origin: a line for the file's head. The capture script stays the drafted one.
    Errors: SandboxError, DatabaseError.
    """
    assert made.draft.study is not None
    refused = objections(sql, made.draft.study)
    if refused:
        return Offer(sql, "; ".join(refused[:8]))
    text = without_comments(sql)
    head, tail = _around(made)
    steps = (*head, *(Note("", p.statement.text) for p in parse(text).statements), *tail)
    draft = replace(made.draft, steps=steps, remaining=(), notes=(origin, *made.draft.notes))
    certificate = _proven(server, database, made, draft.sql)
    reason = worse(made.certificate, certificate)
    if reason:
        return Offer(draft.sql, reason, certificate)
    file = render(draft, certificate, made.migration)
    taken = Rehearsed(made.migration, draft, certified(certificate, file, made.capture_text), file, made.capture_text)
    return Offer(draft.sql, certificate.line, taken.certificate, taken)


def _around(made: Rehearsed) -> tuple[list[Note], list[Note]]:
    """The drafted steps that only deal with the copies: those at its beginning, and those of later on."""
    head: list[Note] = []
    tail: list[Note] = []
    place = head
    for note in made.draft.steps:
        statements = parse(note.sql).statements
        names = [n for p in statements for n in (*p.statement.creates, *p.statement.drops, *p.statement.changes)]
        ours = bool(names) and all(n.startswith(f"{ARCHIVE}.") for n in names)
        if ours or (place is tail and "$conflicts$" in note.sql):
            place.append(note)
        elif not note.sql.startswith("SET LOCAL "):
            place = tail
    return head, tail


def worse(drafted: Certificate, offered: Certificate) -> str:
    """Why the offered rollback is not taken, or ""."""
    if not offered.proven:
        return f"it is not proven: {offered.line}"
    if RANK.index(offered.klass) <= RANK.index(drafted.klass):
        return f"the proof says {offered.line}"
    if offered.klass is CertificateClass.LOSSY:
        known = {x.table for x in drafted.losses}
        more = [x.table for x in offered.losses if x.table not in known]
        if more:
            return f"it loses rows that the drafted one does not: {', '.join(more[:5])}"
    return ""


def _proven(server: SandboxServer, database: SandboxDatabase, made: Rehearsed, sql: str) -> Certificate:
    with server.clone(database) as copy:
        with copy.connect() as conn:
            conn.execute(f"ALTER DATABASE {ident(copy.name)} SET statement_timeout = '{TIMEOUT}'".encode())
        return prove(
            server,
            copy,
            made.migration,
            sql,
            made.draft.capture_sql,
            together=made.draft.together,
            in_place=True,
            touched=made.draft.kept,
            losses=made.draft.losses,
            limits=made.draft.limits,
            known=made.draft.study,
        )
