"""The questions put to a target: what each would cost first, then read-only, with timeouts, one statement a message.

Rates are rows a second that are read, grouped, or looked up: measured with 2,000,000 rows on a busy machine of two cores
(PostgreSQL 18: 1.4 to 2.1 million read, 310,000 grouped, 280,000 looked up). A question that would take longer than its
timeout is not begun.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ..databases.reading import Reader, reason
from .derive import Part, derive
from .facts import Facts
from .model import MOST, Answer, Precondition, State, Work

if TYPE_CHECKING:
    from ..databases.postgres import Connection

TIMEOUT_MS = 10_000
LOCK_TIMEOUT_MS = 500
ROWS_A_SECOND = {Work.SCAN: 1_500_000, Work.GROUP: 300_000, Work.LOOKUP: 280_000}
PAIRS_A_SECOND = 5_000_000
OF_ROWS = ("22", "23")  # SQLSTATE classes that blame a value (manual, appendix A)


def look(conn: Connection, parts: Sequence[Part], *, timeout_ms: int = TIMEOUT_MS) -> tuple[Answer, ...]:
    """What a plan asks of the rows of a database, and what they are like.

    conn: autocommit, idle, for this alone. Nothing is changed, nobody waits: a question that cannot have its lock within
    half a second, or its answer within timeout_ms, is unknown. Errors: psycopg.Error when the catalog cannot be read.
    """
    reader = Reader(conn, timeout_ms, LOCK_TIMEOUT_MS)
    return answers(reader, derive(parts, Facts(reader)))


def answers(reader: Reader, asked: Iterable[Precondition]) -> tuple[Answer, ...]:
    """The questions answered, each by itself."""
    return tuple(_answer(reader, one) for one in asked)


def seconds(asked: Precondition) -> float:
    """How long the question takes at most, by the rows that statistics tell."""
    if asked.work is Work.PAIRS:
        return asked.rows**2 / 2 / PAIRS_A_SECOND
    return asked.rows / ROWS_A_SECOND[asked.work]


def _answer(reader: Reader, asked: Precondition) -> Answer:
    import psycopg

    if not asked.sql:
        return Answer(asked, State.UNKNOWN, reason=asked.obstacle)
    limit = reader.statement_timeout_ms / 1000
    if (needed := seconds(asked)) > limit:
        why = f"about {asked.rows:,} rows to read, some {needed:.0f} s where {limit:.0f} s are allowed"
        return Answer(asked, State.UNKNOWN, reason=why)
    began = time.perf_counter()
    try:
        count = int(reader.select(asked.sql)[0]["count"] or 0)
    except psycopg.Error as error:
        ms = (time.perf_counter() - began) * 1000
        if asked.trial and (error.sqlstate or "")[:2] in OF_ROWS:
            return Answer(asked, State.VIOLATED, 1, ms=ms)
        return Answer(asked, State.UNKNOWN, reason=reason(error), ms=ms)
    ms = (time.perf_counter() - began) * 1000
    if not count:
        return Answer(asked, State.SATISFIED, 0, ms=ms)
    return Answer(asked, State.VIOLATED, min(count, MOST), count > MOST, ms=ms)
