"""The schema after each migration, seen by running them one after the other in the sandbox."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ...errors import SandboxError
from ..records import Migration
from ..schema.model import Snapshot
from ..schema.snapshot import read_snapshot

if TYPE_CHECKING:
    from ..sandbox.databases import SandboxDatabase


def replayed(
    database: SandboxDatabase, migrations: Sequence[Migration], *, each: bool = True
) -> Iterator[tuple[Migration, Snapshot]]:
    """Each migration with the schema after it; the database (an empty one) is changed by them.

    each: False reads the schema once, after the last that runs. Errors: SandboxError that names the migration that
    fails, after those before it were yielded.
    """
    from ..sandbox.before import without_place
    from ..sandbox.run import run_migration

    for number, migration in enumerate(migrations, 1):
        run = run_migration(database, migration, trace=False)
        if not run.ok:
            if not each and number > 1:
                with database.connect() as connection:
                    yield migrations[number - 2], read_snapshot(connection)
            raise SandboxError(
                f"{migration.label} does not run after the migrations before it: {without_place(run.error)}",
                where=f"{migration.path}:{run.line}" if run.line else str(migration.path),
                hint="Mend it (agentdb test shows more), or document a database with --target.",
            )
        if each or number == len(migrations):
            with database.connect() as connection:
                yield migration, read_snapshot(connection)
