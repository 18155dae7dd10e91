"""A migration, run in the sandbox statement by statement, with what each one did.

The file is carried as agentdb carries it to a target: statements that may stand in a transaction go into one, those
that may not run alone between transactions. The first error ends the run.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from ..records import Migration
from ..sql.parse import Script, parse
from . import failures, guard
from .runs import SandboxRun, evidence
from .session import Session

if TYPE_CHECKING:
    from .databases import SandboxDatabase

__all__ = ["evidence", "run_migration", "run_script"]

TIMEOUT = 60.0  # seconds for one statement


def run_migration(
    database: SandboxDatabase,
    migration: Migration,
    *,
    capture_sql: str = "",
    trace: bool = True,
    timeout: float = TIMEOUT,
) -> SandboxRun:
    """What came of the migration; the database is changed by it. See run_script."""
    return run_script(
        database,
        migration.sql,
        path=str(migration.path),
        capture_sql=capture_sql,
        no_transaction=migration.no_transaction,
        trace=trace,
        timeout=timeout,
    )


def run_script(
    database: SandboxDatabase,
    sql: str,
    *,
    path: str = "",
    capture_sql: str = "",
    no_transaction: bool = False,
    trace: bool = True,
    timeout: float = TIMEOUT,
) -> SandboxRun:
    """What came of a script; the database is changed by it.

    capture_sql runs first, in the same transaction (in one of its own where the script opens none). trace: also
    tell locks, rewrites, scans and what is blocked. timeout: seconds for one statement. A failing script is told
    in the result; Errors: SandboxError, DatabaseError when the sandbox itself fails.
    """
    began = time.monotonic()
    script = parse(sql)
    found = _not_for_here(script, path)
    if found is None:
        with Session(database, script, no_transaction, trace, timeout, path) as session:
            found = session.all(capture_sql)
    return replace(found, seconds=time.monotonic() - began, server=database.server_text)


def _not_for_here(script: Script, path: str) -> SandboxRun | None:
    if command := guard.psql_command(script):
        line, word = command
        what = f"{word} is a command of psql, not SQL; the server does not know it"
        return SandboxRun(False, error=failures.located(path, line, what), line=line, sqlstate="42601")
    refused = guard.refusals(script)
    if refused:
        first = refused[0]
        return SandboxRun(
            False,
            error=failures.located(path, first.line, f"not run in the sandbox: {first.why}"),
            line=first.line,
            unknown=first.why,
            notes=tuple(f"line {r.line}: {r.why}" for r in refused),
        )
    return None
