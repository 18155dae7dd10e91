"""Whether the target's schema is the one that a rollback was proven for, and what differs, object by object."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import AgentdbError
from ..ledger import history, prints, remembered
from ..ledger.history import HistoryRow
from ..records import Migration
from ..sandbox import before
from ..schema.diff import Change, diff, significant
from ..schema.model import Snapshot
from ..schema.snapshot import read_snapshot
from .facts import Moved

if TYPE_CHECKING:
    from ..databases.postgres import Connection
    from ..sandbox.server import SandboxServer

Sandbox = Callable[[], AbstractContextManager["SandboxServer"]]

# Roles and rights differ between a sandbox and a target without anyone having changed a thing.
NOT_REPLAYED = ("owner", "grants")


def last_work(rows: Sequence[HistoryRow]) -> HistoryRow | None:
    """The attempt that last left a schema which the ledger noted."""
    ended = [
        r
        for r in rows
        if r.fingerprint_after and ((r.kind, r.status) != ("apply", "rolled_back")) and r.status != "failed"
    ]
    half = [r for r in rows if r.fingerprint_after and r.left_something]
    return max((*ended, *half), key=lambda r: (r.finished or r.started, r.id), default=None)


def moved(
    conn: Connection,
    state_dir: Path,
    rows: Sequence[HistoryRow],
    newest: HistoryRow | None,
    later: Sequence[HistoryRow],
    today: Snapshot,
    server: Callable[[], SandboxServer] | None,
) -> Moved:
    """What is true of the schema. newest: the last attempt that is to be taken back; later: applied since, and stays.
    server: where a schema may be rebuilt when it is not remembered here; None for nowhere."""
    now = prints.of(today).fingerprint
    last = last_work(rows)
    proven_for = newest.fingerprint_after if newest else ""
    by_hand = None if last is None else last.fingerprint_after != now
    differences: tuple[str, ...] | None = ()
    compared = ""
    if by_hand and last is not None:
        differences, compared = _differences(conn, state_dir, rows, last, today, server)
    return Moved(
        moved=(proven_for != now) if proven_for else None,
        by_hand=by_hand,
        expected=proven_for,
        actual=now,
        later=tuple(r.label for r in later),
        differences=differences,
        compared=compared,
    )


def _differences(
    conn: Connection,
    state_dir: Path,
    rows: Sequence[HistoryRow],
    last: HistoryRow,
    today: Snapshot,
    server: Callable[[], SandboxServer] | None,
) -> tuple[tuple[str, ...] | None, str]:
    """The differences in words, and what was compared with."""
    known = remembered.schema(state_dir, last.fingerprint_after)
    if known is not None:
        return tuple(c.line for c in whole(diff(known, today))), f"the schema that {_work(last)} left"
    if server is None:
        return None, "that schema is not kept on this machine, and the sandbox was not asked"
    recorded = [
        Migration(r.version, r.name, Path(f"ledger/{r.label}.sql"), history.sql_of(conn, r), r.checksum)
        for r in sorted(history.applied(rows).values(), key=lambda r: r.id)
    ]
    try:
        made = server()
        with made.create() as database:
            before.from_migrations(database, recorded)
            with database.connect() as copy:
                expected = read_snapshot(copy)
    except AgentdbError as error:
        return None, f"the ledger's migrations do not make it again by themselves: {error.what}"
    changes = significant(diff(expected, today), ignore_positions=False, ignore_properties=NOT_REPLAYED)
    return tuple(c.line for c in whole(changes)), "the ledger's migrations, run again in the sandbox"


def whole(changes: Iterable[Change]) -> list[Change]:
    """The changes without the parts of objects that came or went as a whole."""
    every = list(changes)
    gone = {(c.kind, c.id.schema, c.id.name) for c in every if c.kind in ("added", "dropped") and not c.id.parent}
    return [c for c in every if not (c.id.parent and (c.kind, c.id.schema, c.id.parent) in gone)]


def _work(row: HistoryRow) -> str:
    return f"the rollback of {row.label}" if row.kind == "rollback" else row.label
