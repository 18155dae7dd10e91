"""Columns back in their old places: the tables made anew and their rows moved, as nothing else does it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..schema.ddl.names import BUILD, DROP, FINISH
from ..schema.ddl.plan import plan
from ..schema.model import ObjectId, Snapshot
from . import moves
from .notes import Note
from .trial import Trial, tried

if TYPE_CHECKING:
    from ..databases.postgres import Connection

HEAD = "order_"


def orders(snapshot: Snapshot, table: ObjectId) -> list[str]:
    """The names of the columns as they stand."""
    columns = snapshot.children(table, "column")
    return [c.id.name for c in sorted(columns, key=lambda c: int(c.properties["position"]))]


def in_another_order(before: Snapshot, now: Snapshot) -> list[ObjectId]:
    """The tables that have the columns of before in other places."""
    found = []
    for table in before.of("table"):
        if table.id in now.objects:
            old, new = orders(before, table.id), orders(now, table.id)
            if old != new and sorted(old) == sorted(new):
                found.append(table.id)
    return found


def rebuilt(conn: Connection, now: Snapshot, before: Snapshot, *, runs_as: str, labels_may_be_added: bool) -> Trial:
    """The steps that make these tables anew, with all that stands on them, tried in the open transaction.

    When one of them does not work none is kept: the tables stay as they are, and the trial says why.
    """
    work = plan(
        now,
        before,
        runs_as=runs_as,
        labels_may_be_added=labels_may_be_added,
        anew=in_another_order(before, now),
    )
    conn.execute("SAVEPOINT agentdb_order")
    found = Trial()
    parts = [
        moves.aside(work, now, before, HEAD),
        [Note("", sql) for sql in work.statements(DROP)],
        [Note("", sql) for sql in work.statements(BUILD)],
        moves.back(work, now, before, HEAD),
        [Note("", sql) for sql in work.statements(FINISH)],
        moves.positions(work, HEAD),
    ]
    for number, part in enumerate(parts):
        if not number and part:
            part = [Note(f"Columns go back to their places: made anew.\n{part[0].comment}", part[0].sql), *part[1:]]
        trial = tried(conn, part)
        found.done += trial.done
        found.failed += trial.failed
    if found.failed:
        conn.execute("ROLLBACK TO SAVEPOINT agentdb_order")
        found.done = []
    conn.execute("RELEASE SAVEPOINT agentdb_order")
    return found
