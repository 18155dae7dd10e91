"""The way back of a migration that stopped half way: the rollback's statements for what is there, and no others.

A rollback undoes the whole migration, so on half of it some of its statements find nothing. Those are left out, one by
one, on a copy of today's schema; what is left counts only when the schema comes back to the very fingerprint that the
ledger noted before the migration began.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..databases.dsn import Dsn
from ..ledger import prints
from ..ledger.plan import PARTIAL
from ..sandbox import before
from ..sandbox.run import run_script
from ..schema.snapshot import read_snapshot
from ..sql.parse import parse
from .facts import Part
from .reprove import plan_headers

if TYPE_CHECKING:
    from ..databases.postgres import Connection
    from ..sandbox.databases import SandboxDatabase
    from ..sandbox.server import SandboxServer

# "There is no such object": manual, appendix A. Table, column, object, function, schema, and a duplicate of any.
ABSENT = ("42P01", "42703", "42704", "42883", "3F000")


@dataclass(frozen=True, slots=True)
class Fitted:
    """The script that fits. text: "" when none does, then problem says why. whole: it is the rollback as it stands.
    left_out: the statements that found nothing."""

    text: str = ""
    whole: bool = False
    left_out: tuple[str, ...] = ()
    problem: str = ""


def fitted(server: SandboxServer, target: Dsn, part: Part, done: int) -> Fitted:
    """The rollback for the half of the migration that is there. done: how many statements the ledger knows as done.
    Errors: SandboxError, DatabaseError."""
    with server.create() as base:
        state = before.from_target(base, target, archive=True)
        if not state.complete:
            return Fitted(problem="the sandbox cannot copy today's schema")
        if part.finish:
            run = run_script(base, part.finish, trace=False, no_transaction=True)
            if not run.ok:
                return Fitted(problem=f"what was under way does not run in the sandbox: {run.error}")
        with server.clone(base) as copy:
            alone = "no-transaction" in plan_headers(part.down)
            if run_script(copy, part.down, trace=False, no_transaction=alone).ok and _is_back(copy, part):
                return Fitted(part.down, whole=True)
        return _by_trial(base, part, done)


def _by_trial(base: SandboxDatabase, part: Part, done: int) -> Fitted:
    script = parse(part.down)
    kept: list[str] = []
    left_out: list[str] = []
    with base.connect() as conn:
        for parsed in script.statements:
            text = parsed.statement.text.strip().rstrip(";")
            state, said = _tried(conn, text)
            if state in ABSENT:
                left_out.append(" ".join(text.split()))
            elif state:
                return Fitted(problem=f"a statement of the rollback fails on what is there: {said}")
            else:
                kept.append(text)
    if not _is_back(base, part):
        return Fitted(problem="no part of the rollback brings back the schema that was there before the migration")
    return Fitted(_script(part, kept, left_out, done), left_out=tuple(left_out))


def _tried(conn: Connection, text: str) -> tuple[str, str]:
    """("", "") when the statement runs; else the SQLSTATE and what the server said."""
    import psycopg

    try:
        conn.execute(text.encode())
    except psycopg.Error as error:
        return error.sqlstate or "?", " ".join((error.diag.message_primary or str(error)).split())
    return "", ""


def _is_back(database: SandboxDatabase, part: Part) -> bool:
    """Whether the schema is the one that the ledger noted before the migration, the order of columns aside."""
    with database.connect() as conn:
        now = prints.of(read_snapshot(conn))
    return part.row.shape_before == now.shape


def _script(part: Part, kept: list[str], left_out: list[str], done: int) -> str:
    alone = "no-transaction, " if "no-transaction" in plan_headers(part.down) else ""
    lines = [
        f"-- agentdb: {alone}partial {done}",
        f"-- The way back of {part.migration.label} as it stopped after statement {done} of {part.row.statement_count}.",
        "-- Made from its rollback, without the statements that find nothing in that state. It goes before the whole",
        "-- rollback while it is here; agentdb removes it when it has run.",
    ]
    lines += [f"-- left out: {one[:100]}" for one in left_out]
    body = ";\n".join(kept) + ";\n" if kept else "SELECT 1;\n"
    return "\n".join(lines) + "\n\n" + body


def name_of(part: Part) -> str:
    """The file's name, in migrations/rollback/."""
    return f"{part.migration.label}{PARTIAL}"
