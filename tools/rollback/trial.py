"""A drafted script tried on a server, step by step: what fails for its place in the order is moved to where it works."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .notes import Note

if TYPE_CHECKING:
    from ..databases.postgres import Connection


@dataclass(slots=True)
class Trial:
    """The steps in the order in which they worked, and those that never did, with the server's words."""

    done: list[Note] = field(default_factory=list)
    failed: list[tuple[Note, str]] = field(default_factory=list)

    @property
    def moved(self) -> bool:
        return bool(self.failed)


def tried(conn: Connection, steps: Iterable[Note]) -> Trial:
    """Run the steps in the open transaction; one that fails is tried again after the others, as long as that helps."""
    import psycopg

    found = Trial()
    waiting: Sequence[Note] = list(steps)
    while waiting:
        again: list[tuple[Note, str]] = []
        for note in waiting:
            conn.execute("SAVEPOINT agentdb_step")
            try:
                conn.execute(note.sql.encode())
                conn.execute("RELEASE SAVEPOINT agentdb_step")
                found.done.append(note)
            except psycopg.Error as error:
                conn.execute("ROLLBACK TO SAVEPOINT agentdb_step")
                conn.execute("RELEASE SAVEPOINT agentdb_step")
                again.append((note, " ".join(str(error).split())[:300]))
        if len(again) == len(waiting):
            found.failed = again
            break
        waiting = [note for note, _ in again]
    return found
