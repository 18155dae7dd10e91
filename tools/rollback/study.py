"""A migration run in the sandbox to learn what it does: names, schemas before and after, and whose rows it writes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ...errors import RollbackError
from ..records import Migration
from ..sandbox import failures, guard, roles
from ..schema.model import ObjectId, Snapshot
from ..schema.snapshot import read_snapshot
from ..sql import grammar
from ..sql.parse import Parsed, Script
from . import identities, key_copies, unseen, written
from .identities import Identities
from .written import Written

if TYPE_CHECKING:
    from ..databases.postgres import Connection
    from ..sandbox.databases import SandboxDatabase
    from ..sandbox.server import SandboxServer

# How migration tools mark a file whose statements run each by itself.
_ALONE = re.compile(
    r"^--.*?(no[ -]transaction|transaction\s*[:=]\s*false|txmode\s+none|disable[-_ ]ddl[-_ ]transaction)",
    re.IGNORECASE | re.MULTILINE,
)


# What the server answers to a statement that cannot stand in one transaction with those before it.
# Source: manual, appendix A: active_sql_transaction, unsafe_new_enum_value_usage.
NOT_TOGETHER = ("25001", "55P04")


class NotTogether(RollbackError):
    """The migration does not run in one transaction; statement by statement it may."""


@dataclass(frozen=True, slots=True)
class Study:
    """What was learnt. transactional: the whole migration runs in one transaction.

    one_writer: all of its rows bear that transaction's own number (no subtransaction writes rows). can_settle: what
    it made of rows can be noted at its COMMIT (it makes no deferred trigger fire before).
    restarted: sequences that stay and were set back, or may be where the sandbox's have not counted yet. stood: where sequences stood before.
    """

    before: Snapshot
    after: Snapshot
    old: Identities
    new: Identities
    written: Written
    transactional: bool
    one_writer: bool
    can_settle: bool
    runs_as: str
    notes: tuple[str, ...] = ()
    restarted: tuple[ObjectId, ...] = ()
    stood: unseen.Positions = field(default_factory=dict)
    copies: key_copies.Copies = field(default_factory=dict)


def is_transactional(migration: Migration, script: Script) -> bool:
    """Whether the migration runs in one transaction, by its statements and by what its head says."""
    if marked_alone(migration):
        return False
    if any(p.statement.transactional is False or p.node is None for p in script.statements):
        return False
    steering = [p for p in script.statements if p.node_name == "transaction_stmt" and _ends(p)]
    return not steering or (len(steering) == 2 and [script.statements[0], script.statements[-1]] == steering)


def marked_alone(migration: Migration) -> bool:
    """Whether the file's head says that its statements run each by itself, in whatever tool's words."""
    head = "\n".join(migration.sql.lstrip().splitlines()[:5])
    return migration.no_transaction or _ALONE.search(head) is not None


def _ends(parsed: Parsed) -> bool:
    kind = grammar.enum_name(parsed.node, "kind")
    return kind in ("TRANS_STMT_BEGIN", "TRANS_STMT_START", "TRANS_STMT_COMMIT", "TRANS_STMT_ROLLBACK")


def refuse_unfit(migration: Migration, script: Script) -> None:
    """Raise RollbackError for a script that the sandbox must not run, or that is not SQL."""
    where = str(migration.path)
    if script.problem:
        raise RollbackError(
            f"the migration does not parse: {script.problem.message}",
            where=f"{where}:{script.problem.line}",
            hint="Mend the migration first.",
        )
    for refusal in guard.refusals(script):
        raise RollbackError(
            f"not run in the sandbox: {refusal.why}",
            where=f"{where}:{refusal.line}",
            hint="Its way back cannot be proven; write and check it by hand.",
        )


def refuse_reaching_out(script: Script, what: str) -> None:
    """Raise RollbackError for a script that the sandbox must not run."""
    for refusal in guard.refusals(script):
        raise RollbackError(f"{what} is not run in the sandbox: line {refusal.line}: {refusal.why}")


def runnable(script: Script) -> str:
    """The script's text without the statements that the sandbox passes over."""
    if not any(guard.skipped(p) for p in script.statements):
        return script.sql
    return "".join(f"{p.statement.text};\n" for p in script.statements if not guard.skipped(p))


def left_out(script: Script) -> list[str]:
    """The statements that the sandbox passes over, of which nothing is proven."""
    return [
        f"not run in the sandbox: {p.statement.kind}, {why}" for p in script.statements if (why := guard.skipped(p))
    ]


def run_up(conn: Connection, database: SandboxDatabase, migration: Migration, script: Script) -> None:
    """The migration's statements run in the open transaction. Errors: RollbackError with the place that failed."""
    import psycopg

    meet_roles(database, script)
    for parsed in script.statements:
        if parsed.node_name == "transaction_stmt" and _ends(parsed):
            continue
        if guard.skipped(parsed):
            continue
        if parsed.node_name == "create_role_stmt":
            database.ensure_role(str(parsed.node.role))
            continue
        try:
            conn.execute(parsed.statement.text.encode())
        except psycopg.Error as error:
            line, _ = failures.place(parsed.statement, error)
            kind = NotTogether if error.sqlstate in NOT_TOGETHER else RollbackError
            raise kind(
                f"the migration itself fails in the sandbox: {failures.message(error)}",
                where=f"{migration.path}:{line}",
                hint="`agentdb test` shows what each statement does.",
            ) from None


def meet_roles(database: SandboxDatabase, script: Script) -> None:
    """Make the roles that the script speaks of, where the sandbox has not got them."""
    for name in roles.named_in(script):
        database.ensure_role(name)


def in_transaction(conn: Connection, database: SandboxDatabase, migration: Migration, script: Script) -> Study:
    """The study, in the caller's open transaction; afterwards the migration has run in it."""
    before, old, stood = read_snapshot(conn), identities.read(conn), unseen.positions(conn)
    copies = key_copies.read(conn)
    run_up(conn, database, migration, script)
    conn.execute("SET CONSTRAINTS ALL IMMEDIATE")
    seen = written.measured(conn, old)
    after, new = read_snapshot(conn), identities.read(conn)
    return _study(conn, before, after, old, new, script, seen, stood, copies, transactional=True)


def alone(
    server: SandboxServer, database: SandboxDatabase, migration: Migration, script: Script, copy: SandboxDatabase
) -> Study:
    """The study of a migration that runs outside a transaction, on a copy of the database which it changes."""
    with copy.connect() as conn:
        before, old, stood = read_snapshot(conn), identities.read(conn), unseen.positions(conn)
        copies = key_copies.read(conn)
        run_statements(copy, migration)
        after, new = read_snapshot(conn), identities.read(conn)
        return _study(conn, before, after, old, new, script, None, stood, copies, transactional=False)


def run_statements(database: SandboxDatabase, migration: Migration) -> None:
    """The migration carried out, each statement committed by itself unless the file opens transactions of its own.
    Errors: RollbackError."""
    from ..sandbox.run import run_migration

    headers = {**migration.headers, "agentdb": (*migration.headers.get("agentdb", ()), "no-transaction")}
    run = run_migration(database, replace(migration, headers=headers), trace=False)
    if not run.ok:
        raise RollbackError(f"the migration itself fails in the sandbox: {run.error}", hint="Mend the migration first.")


def _study(
    conn: Connection,
    before: Snapshot,
    after: Snapshot,
    old: Identities,
    new: Identities,
    script: Script,
    seen: dict[ObjectId, frozenset[str]] | None,
    stood: unseen.Positions,
    copies: key_copies.Copies,
    *,
    transactional: bool,
) -> Study:
    found = written.joined(script, before, seen, after)
    text = script.sql.lower()
    row = conn.execute("SELECT current_user").fetchone()
    return Study(
        before=before,
        after=after,
        old=old,
        new=new,
        written=found,
        transactional=transactional,
        one_writer=transactional and not re.search(r"\bexception\s+when\b|\bsavepoint\b", text),
        can_settle=transactional and "set constraints" not in " ".join(text.split()),
        runs_as=str(row[0]) if row else "",
        restarted=_restarted(conn, before, old, new, found, text, stood),
        stood=stood,
        copies=copies,
    )


def _restarted(
    conn: Connection,
    before: Snapshot,
    old: Identities,
    new: Identities,
    found: Written,
    text: str,
    stood: unseen.Positions,
) -> tuple[ObjectId, ...]:
    """Sequences that stay and stand further back now; where the text restarts any, also those of emptied tables."""
    stands = unseen.positions(conn)
    now = {id: stands[named.id] for id in stood if (named := new.at(old.by_id.get(id))) and named.id in stands}
    back = set(unseen.behind(stood, now))
    if re.search(r"\brestart\b|\bsetval\s*\(", text):
        emptied = {t for t, kinds in found.kinds.items() if "delete" in kinds}
        for id in now:
            owner = before.objects[id].properties.get("owned_by") if id in before.objects else None
            if id.name.lower() in text or (owner and ObjectId("table", owner[0], "", owner[1]) in emptied):
                back.add(id)
    return tuple(sorted(back & before.objects.keys()))


@contextmanager
def undone(conn: Connection) -> Iterator[None]:
    """A transaction that is rolled back at the end, whatever happens in it."""
    conn.execute("SELECT pg_catalog.pg_stat_force_next_flush()")
    conn.execute("BEGIN")
    try:
        yield
    finally:
        if not conn.closed:
            conn.execute("ROLLBACK")
