"""Synthetic traffic: sessions that send one operation after the other at a steady pace, and measure each."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from .traffic import Mix, Operation

if TYPE_CHECKING:
    from ..databases.postgres import Connection
    from ..sandbox.databases import SandboxDatabase

PACE = 0.1  # seconds from one operation of a session to the next
PATIENCE = 60.0  # seconds after which an operation gives up, so that nothing waits for ever
GOODBYE = 5.0


@dataclass(frozen=True, slots=True)
class Done:
    """One operation: when it was sent (seconds, monotonic), how long it took, and the SQLSTATE of its failure or ""."""

    kind: str
    table: str
    began: float
    seconds: float
    sqlstate: str = ""


class Traffic:
    """Sessions at work from `start` on until it is left as a context manager.

    A session sends its next operation one pace after it sent the last, or at once when that took longer: as a pool
    of connections does, it never has two at a time. done: what was measured so far, in order of completion.
    """

    def __init__(self, database: SandboxDatabase, operations: Sequence[Operation], *, sessions: int) -> None:
        self.database, self.operations, self.sessions = database, operations, sessions
        self.done: list[Done] = []
        self._connections: list[Connection] = []
        self._threads: list[threading.Thread] = []
        self._stop = threading.Event()

    def start(self) -> None:
        """Open the sessions, then send them on their way, evenly spread over a pace."""
        limit = f"{PATIENCE:.0f}s"
        for _ in range(self.sessions):
            self._connections.append(self.database.connect(statement_timeout=limit))
        began = time.monotonic()
        for number, connection in enumerate(self._connections):
            mix = Mix(self.operations, number, self.sessions)
            first = began + PACE * number / self.sessions
            thread = threading.Thread(target=self._work, args=(connection, mix, first), daemon=True)
            self._threads.append(thread)
            thread.start()

    @property
    def processes(self) -> frozenset[int]:
        """The server processes of the sessions."""
        return frozenset(c.info.backend_pid for c in self._connections)

    def _work(self, connection: Connection, mix: Mix, following: float) -> None:
        import psycopg

        while not self._stop.wait(max(following - time.monotonic(), 0)):
            operation, values = mix.next()
            began = time.monotonic()
            state = ""
            try:
                connection.execute(operation.sql.encode(), values)
            except psycopg.Error as error:
                state = error.sqlstate or "08000"
            if self._stop.is_set():
                return  # cut short by us
            self.done.append(Done(operation.kind, operation.table, began, time.monotonic() - began, state))
            if connection.closed:
                return
            following = max(following + PACE, time.monotonic())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for connection in self._connections:
            cut_short(connection)
        deadline = time.monotonic() + GOODBYE
        for thread in self._threads:
            thread.join(max(deadline - time.monotonic(), 0))
        for connection in self._connections:
            connection.close()


def cut_short(connection: Connection) -> None:
    """Cancel what the connection runs, if anything; never an error."""
    import psycopg
    from psycopg.pq import TransactionStatus

    if connection.closed or connection.info.transaction_status != TransactionStatus.ACTIVE:
        return
    try:
        connection.cancel_safe(timeout=2)
    except psycopg.Error:
        pass
