"""What a person on call needs to know of a live database, collected in one go and read-only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .ledger_rows import is_alive, open_rows
from .reading import Reader, Server, reason
from .redact import query_head
from .result import Row
from .sessions import chains

if TYPE_CHECKING:
    from ..databases.postgres import Connection


@dataclass(frozen=True, slots=True)
class Situation:
    """The facts, JSON-plain, no literal of anybody's statement among them.

    blocking: the forest of waiters (see sessions.chains). transactions: open ones, oldest first. ledger: attempts that
    began and did not end, each with `alive`. deadlocks: since the counters began, counted_seconds ago.
    hidden: sessions that the role may not look into. unanswered: part -> why it could not be read.
    """

    server: Server
    taken_at: str = ""
    blocking: tuple[Row, ...] = ()
    transactions: tuple[Row, ...] = ()
    progress: tuple[Row, ...] = ()
    advisory_locks: tuple[Row, ...] = ()
    prepared: tuple[Row, ...] = ()
    invalid_indexes: tuple[Row, ...] = ()
    sequences: tuple[Row, ...] = ()
    connections: tuple[Row, ...] = ()
    wraparound: tuple[Row, ...] = ()
    ledger: tuple[Row, ...] = ()
    deadlocks: int | None = None
    counted_seconds: float | None = None
    hidden: int = 0
    unanswered: Mapping[str, str] = field(default_factory=dict)


# Part of a situation -> the query that fills it.
_PARTS = {
    "blocking": "health_blocking_chains",
    "transactions": "health_long_transactions",
    "progress": "situation_progress",
    "advisory_locks": "situation_advisory_locks",
    "prepared": "health_prepared_transactions",
    "invalid_indexes": "health_invalid_indexes",
    "sequences": "health_sequence_exhaustion",
    "connections": "health_connections",
    "wraparound": "health_transaction_id_wraparound",
    "moment": "situation_moment",
}


def situation(conn: Connection, *, ledger_rows: Sequence[Any] = (), statement_timeout_ms: int = 5_000) -> Situation:
    """The situation of the connection's database. Changes nothing and waits for nobody.

    conn: autocommit, idle. ledger_rows: what ledger.history.runs or rows gave. A part that cannot be read stands in
    `unanswered`. Errors: DatabaseError when the connection is in a transaction; psycopg.Error when the server is gone.
    """
    import psycopg

    reader = Reader(conn, statement_timeout_ms)
    server = reader.server()
    found: dict[str, list[dict[str, Any]]] = {}
    unanswered: dict[str, str] = {}
    for part, query in _PARTS.items():
        try:
            found[part] = reader.rows(query)
        except psycopg.Error as error:
            found[part], unanswered[part] = [], reason(error)
    hidden = sum(bool(r["hidden"]) for r in found["transactions"])
    if hidden:
        unanswered["transactions"] = (
            f"{hidden} sessions may not be looked into; grant pg_read_all_stats to {server.role}"
        )
    moment = found["moment"][0] if found["moment"] else {}
    sessions, starts = moment.get("sessions") or (), moment.get("starts") or {}
    return Situation(
        server=server,
        taken_at=moment.get("taken_at", ""),
        blocking=tuple(chains(found["blocking"])),
        transactions=tuple(_said(r) for r in found["transactions"] if not r["hidden"]),
        progress=tuple(found["progress"]),
        advisory_locks=tuple(_said(r) for r in found["advisory_locks"]),
        prepared=tuple(found["prepared"]),
        invalid_indexes=tuple(found["invalid_indexes"]),
        sequences=tuple(r for r in found["sequences"] if (r["used"] or 0) >= 0.9),
        connections=tuple(found["connections"]),
        wraparound=tuple(found["wraparound"]),
        ledger=tuple({**r, "alive": is_alive(r, sessions, starts)} for r in open_rows(ledger_rows)),
        deadlocks=moment.get("deadlocks"),
        counted_seconds=moment.get("counted_seconds"),
        hidden=hidden,
        unanswered=unanswered,
    )


def _said(row: dict[str, Any]) -> dict[str, Any]:
    return {**{k: v for k, v in row.items() if k != "hidden"}, "query": query_head(row["query"])}
