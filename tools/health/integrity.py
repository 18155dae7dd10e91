"""Is the data what the schema says? Counts of rows that break a rule which the server does not vouch for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import wording
from .questions import Question, questions
from .reading import Reader, reason
from .result import Advice, Status, worst

if TYPE_CHECKING:
    from ..databases.postgres import Connection

SCHEMA_VERSION = 1
ROW_LIMIT = 1_000
TIMEOUT_MS = 5_000


@dataclass(frozen=True, slots=True)
class Answer:
    """One question's answer. status: ok, bad, or unknown. count: rows that break it, at most the row limit (then
    `capped`); for a sequence, how many values it is behind. No value of a row is ever in here."""

    kind: str
    object: str
    status: Status
    line: str
    count: int | None = None
    capped: bool = False
    advice: tuple[Advice, ...] = ()


@dataclass(frozen=True, slots=True)
class IntegrityReport:
    """All answers, by kind and object."""

    answers: tuple[Answer, ...]
    schema_version: int = SCHEMA_VERSION

    @property
    def status(self) -> Status:
        return worst(a.status for a in self.answers)

    @property
    def verdict(self) -> str:
        """One line: how it is, in numbers."""
        broken = [a for a in self.answers if a.status is Status.BAD]
        silent = [a for a in self.answers if a.status is Status.UNKNOWN]
        if not self.answers:
            return "nothing to ask: every constraint is enforced and validated"
        parts = [f"{len(broken)} of {wording.count(len(self.answers), 'question')} found rows that break a rule"]
        if silent:
            parts.append(f"{len(silent)} could not be answered")
        return (
            ", ".join(parts)
            if broken or silent
            else f"{wording.count(len(self.answers), 'question')}, no row breaks a rule"
        )


def integrity(
    conn: Connection, *, timeout_ms: int = TIMEOUT_MS, row_limit: int = ROW_LIMIT, everything: bool = False
) -> IntegrityReport:
    """What the rows say of constraints NOT VALID, NOT ENFORCED or with triggers off, of invalid unique indexes
    and of sequences.

    conn: autocommit, idle. timeout_ms: for each question; one that takes longer is unknown, as is one that the role may
    not ask (row security makes a question fail rather than see less). row_limit: counting stops there.
    everything: also foreign keys that the server holds to be valid. Errors: none but a connection in a transaction.
    """
    return IntegrityReport(tuple(_answers(Reader(conn), Reader(conn, timeout_ms), row_limit, everything)))


def _answers(catalog: Reader, reader: Reader, row_limit: int, everything: bool) -> Iterator[Answer]:
    import psycopg

    for kind, find in questions().items():
        try:
            found = find(catalog, everything, row_limit)
        except psycopg.Error as error:
            yield Answer(kind, "", Status.UNKNOWN, f"{kind}: not asked, {reason(error)}")
            continue
        for question in found:
            yield _answer(reader, question, row_limit)


def _answer(reader: Reader, question: Question, row_limit: int) -> Answer:
    import psycopg

    def said(status: Status, line: str, **more: Any) -> Answer:
        return Answer(question.kind, question.object, status, line, **more)

    if question.sql is None:
        return said(Status.UNKNOWN, f"{question.object}: {question.obstacle}")
    try:
        count = reader.select(question.sql)[0]["count"] or 0
    except psycopg.Error as error:
        return said(Status.UNKNOWN, f"{question.object}: {reason(error)}")
    if not count:
        return said(Status.OK, f"{question.object}: {question.fine}", count=0, advice=question.when_fine)
    capped = question.limited and count >= row_limit
    number = f"at least {count:,}" if capped else f"{count:,}"
    return said(
        Status.BAD,
        f"{question.object}: {question.broken}: {number}",
        count=count,
        capped=capped,
        advice=question.when_broken,
    )
