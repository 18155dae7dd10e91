"""What a run keeps others from doing, as a set that two runs can be compared by.

An operation on a relation ("INSERT on public.orders") counts as blocked *for long* when it was found blocked while the
transaction that blocks it did work that grows with the data: a table rewritten or read from end to end, an index built
over rows. Rows count as held for long when one transaction changed more than MANY of a table's rows, which nobody else
can change until it ends. An operation is blocked *at all* when it was found blocked after any statement, for however
short a moment: until the lock is had, everybody else who wants the table queues behind it.

A run is better than another when what it blocks for long is a strict subset; or when that is the same, and what it
blocks at all is a strict subset. What is blocked is what the sandbox's second session found (tools/sandbox/probe.py),
on relations that existed before the file. A DO block that commits by itself is over before anybody can look, so
triggers in it write down the locks and the rows of each of its transactions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..sandbox.runs import BLOCKED_BY, SandboxRun, StatementRun

if TYPE_CHECKING:
    from ..databases.postgres import Connection

MANY = 1000  # rows that one transaction may change before they count as held for long
ROW_CHANGES = "UPDATE OF ITS ROWS"
WATCH = "agentdb_watch"
BLOCKS = ("DO", "CALL")  # statements that may commit by themselves

Pair = tuple[str, str]  # (operation, relation)


@dataclass(frozen=True, slots=True)
class Held:
    """What one transaction of a block that commits by itself held. rows: changed, by relation."""

    rows: Mapping[str, int]
    modes: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Blocked:
    """long, brief: see the head of this file; brief has every pair of long. why: a pair of long -> the work behind it.
    unknown: statements of which it was not seen what they block."""

    long: frozenset[Pair]
    brief: frozenset[Pair]
    why: Mapping[Pair, str] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()

    def better_than(self, other: Blocked) -> bool:
        """Whether less is blocked here, by the order that the head of this file describes."""
        if self.unknown or not self.long <= other.long:
            return False
        return self.long < other.long or self.brief < other.brief

    def no_worse_than(self, other: Blocked) -> bool:
        return not self.unknown and self.long <= other.long


def blocked(runs: Iterable[SandboxRun], watched: Sequence[Held] = (), *, new: frozenset[str] = frozenset()) -> Blocked:
    """What the runs block, taken together. watched: what the triggers of `watch` wrote down. new: relations that the
    first of the runs made, so that they were not there before."""
    long: dict[Pair, str] = {}
    brief: set[Pair] = set()
    unknown = []
    for run in runs:
        changed: dict[str, int] = {}
        for statement in run.statements:
            if statement.skipped:
                continue
            if not statement.in_transaction:
                changed = {}
            if statement.blocks is None and not (_of_new_tables(statement) or (watched and statement.kind in BLOCKS)):
                unknown.append(f"{statement.kind} in line {statement.line}")
            pairs = {(op, relation) for relation, ops in statement.blocked.items() for op in ops}
            brief |= pairs
            if work := _work(statement):
                for pair in pairs:
                    long.setdefault(pair, work)
            for relation, _, updated, deleted in statement.written:
                changed[relation] = changed.get(relation, 0) + updated + deleted
            for relation, rows in changed.items():
                if rows > MANY:
                    long.setdefault((ROW_CHANGES, relation), f"{rows} rows changed in one transaction")
    for held in watched:
        for relation, modes in held.modes.items():
            brief |= {(op, relation) for mode in modes for op in BLOCKED_BY.get(mode, ())}
        for relation, rows in held.rows.items():
            if rows > MANY:
                long.setdefault((ROW_CHANGES, relation), f"{rows} rows changed in one transaction")
    kept = {p: w for p, w in long.items() if p[1] not in new and not p[1].startswith(f"{WATCH}.")}
    every = {p for p in brief | set(kept) if p[1] not in new and not p[1].startswith(f"{WATCH}.")}
    return Blocked(frozenset(kept), frozenset(every), kept, tuple(unknown))


def _of_new_tables(statement: StatementRun) -> bool:
    """Whether all that it did was to build indexes on tables that the file itself made: nobody uses them yet."""
    return bool(statement.index_builds) and not any(b.existed_before for b in statement.index_builds)


def changed(run: SandboxRun) -> dict[str, int]:
    """The rows that a run updated or deleted, by table."""
    found: dict[str, int] = {}
    for statement in run.statements:
        for relation, _, updated, deleted in statement.written:
            found[relation] = found.get(relation, 0) + updated + deleted
    return found


def _work(statement: StatementRun) -> str:
    """The work of a statement that grows with the data, in words; "" when there is none."""
    ours = f"{WATCH}."
    if found := [r for r in statement.rewrites if not r.startswith(ours)]:
        return f"rewrites {found[0]}"
    if found := [b.table for b in statement.index_builds if b.existed_before and not b.table.startswith(ours)]:
        return f"builds an index on {found[0]}"
    if found := [r for r in statement.scans if not r.startswith(ours)]:
        return f"reads all of {found[0]}"
    return ""


_SETUP = f"""
CREATE SCHEMA {WATCH};
CREATE TABLE {WATCH}.seen (transaction xid8, relation text, rows bigint, locks text[]);
CREATE FUNCTION {WATCH}.note() RETURNS trigger LANGUAGE plpgsql AS $note$
BEGIN
    INSERT INTO {WATCH}.seen
    SELECT pg_current_xact_id(), TG_ARGV[0], (SELECT count(*) FROM touched),
        (SELECT array_agg(DISTINCT n.nspname || '.' || c.relname || '=' || l.mode)
         FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation JOIN pg_namespace AS n ON n.oid = c.relnamespace
         WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.granted
             AND n.nspname NOT IN ('pg_catalog', '{WATCH}') AND c.relkind IN ('r', 'p', 'm', 'f', 'v'));
    RETURN NULL;
END $note$
"""


def watch(connection: Connection, tables: Iterable[str]) -> None:
    """Triggers on the tables (as SQL) that write down, for each statement that changes rows, which transaction it was,
    how many rows, and the locks held. Errors: psycopg.Error."""
    connection.execute(_SETUP.encode())
    for table in tables:
        name = table.replace("'", "''")
        for event, rows in (("UPDATE", "NEW"), ("DELETE", "OLD")):
            connection.execute(
                f"CREATE TRIGGER agentdb_watch_{event.lower()} AFTER {event} ON {table} REFERENCING {rows} TABLE AS touched"
                f" FOR EACH STATEMENT EXECUTE FUNCTION {WATCH}.note('{name}')".encode()
            )


def seen(connection: Connection) -> tuple[Held, ...]:
    """What was written down, one record a transaction; the triggers are gone afterwards."""
    from ..sandbox.trace import plain_mode

    rows = connection.execute(
        f"SELECT transaction::text, relation, rows, locks FROM {WATCH}.seen ORDER BY 1".encode()
    ).fetchall()
    connection.execute(f"DROP SCHEMA {WATCH} CASCADE".encode())
    counts: dict[str, dict[str, int]] = {}
    modes: dict[str, dict[str, set[str]]] = {}
    for transaction, relation, count, locks in rows:
        mine = counts.setdefault(transaction, {})
        mine[relation] = mine.get(relation, 0) + count
        for lock in locks or ():
            name, _, mode = lock.rpartition("=")
            modes.setdefault(transaction, {}).setdefault(name, set()).add(plain_mode(mode))
    return tuple(Held(counts[t], {n: frozenset(m) for n, m in modes.get(t, {}).items()}) for t in counts)
