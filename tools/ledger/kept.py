"""Whether a rollback still finds what its migration kept or set aside; after a purge it must not claim to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ...errors import RefusedError
from ..records import Migration
from . import archive

if TYPE_CHECKING:
    from ..databases.postgres import Connection


def refuse_purged(conn: Connection, rollbacks: Iterable[tuple[Migration, str]]) -> None:
    """Nothing, when what each rollback script (given with its migration) puts back is still there.

    A script that needs no copies passes. Errors: RefusedError("purged").
    """
    for migration, text in rollbacks:
        if not archive.NEEDS.search(text) or archive.recorded(conn, migration.label):
            continue
        when = _purged_at(conn, migration.label)
        said = f"were purged on {when}" if when else "are not there"
        raise RefusedError(
            f"the rows that {migration.label} kept {said}: its rollback cannot bring them back, and its certificate no"
            " longer holds",
            reason="purged",
            where=str(migration.rollback_path or migration.path),
            hint=f"agentdb rollback draft {migration.path} --no-data --force writes one that says what is lost.",
        )


def _purged_at(conn: Connection, label: str) -> str:
    there = conn.execute("SELECT pg_catalog.to_regclass('agentdb.purges') IS NOT NULL").fetchone()
    if not (there and there[0]):
        return ""
    row = conn.execute("SELECT max(purged) FROM agentdb.purges WHERE migration = %s", (label,)).fetchone()
    return f"{row[0]:%Y-%m-%d %H:%M}" if row and row[0] else ""
