"""The fingerprints by which a target's state is known."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..schema.fingerprint import fingerprint
from ..schema.model import Snapshot
from ..schema.snapshot import read_snapshot

if TYPE_CHECKING:
    from ..databases.postgres import Connection


@dataclass(frozen=True, slots=True)
class Prints:
    """The two fingerprints of a schema: exact, and blind to the order of columns."""

    fingerprint: str
    shape: str


def of(snapshot: Snapshot) -> Prints:
    """The fingerprints of a snapshot."""
    return Prints(fingerprint(snapshot), fingerprint(without_order(snapshot)))


def measure(conn: Connection) -> Prints:
    """The fingerprints of the database as it is now; only reads. agentdb's own schemas do not count."""
    return of(read_snapshot(conn))


def without_order(snapshot: Snapshot) -> Snapshot:
    """The snapshot with columns in no order: a column that was dropped and added again comes last, and nothing else
    about it need differ."""
    return dataclasses.replace(
        snapshot,
        objects={
            k: dataclasses.replace(o, properties={p: v for p, v in o.properties.items() if p != "position"})
            if k.kind == "column"
            else o
            for k, o in snapshot.objects.items()
        },
    )


def without_index(snapshot: Snapshot, schema: str, name: str) -> Snapshot:
    """The snapshot as it would be without one index."""
    return dataclasses.replace(
        snapshot,
        objects={
            k: o
            for k, o in snapshot.objects.items()
            if not (k.kind == "index" and (k.schema, k.name) == (schema, name))
        },
    )
