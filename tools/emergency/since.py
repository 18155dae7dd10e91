"""What was written since a migration, and what would go: counted by read-only queries that give up early.

Which rows are younger than a migration is told by xmin, against the row that the ledger wrote right after it.
Source: manual, "System Columns" (xmin), "Transactions and Identifiers" (age() of a transaction id).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ..conflicts.touch import Touch, Touched
from ..conflicts.touches import touched
from ..databases.queries import load
from ..rollback.notes import told
from ..rollback.there import only_looks
from ..schema.model import ObjectId, Snapshot
from ..sql.parse import parse
from ..sql.quote import ident, literal, qualified
from .dependents import names_of
from .facts import Goes, Part, Preimage, Since

if TYPE_CHECKING:
    from ..databases.postgres import Connection

QUERY_MS = 3_000  # the longest that one count may take
BUDGET_SECONDS = 15.0  # and all of them together


class Counter:
    """Counts rows on a read-only session, and says why where it cannot."""

    def __init__(self, conn: Connection, *, query_ms: int = QUERY_MS, budget: float = BUDGET_SECONDS) -> None:
        self.conn, self.query_ms = conn, query_ms
        self.until = time.monotonic() + budget

    def count(self, sql: str, values: Sequence[Any] = ()) -> tuple[int | None, str]:
        """The number, or None and why not."""
        import psycopg

        left = int((self.until - time.monotonic()) * 1000)
        if left <= 0:
            return None, "no time was left to count"
        try:
            with self.conn.transaction():
                self.conn.execute(f"SET LOCAL statement_timeout = {min(left, self.query_ms)}".encode())
                self.conn.execute(b"SET LOCAL lock_timeout = 500")
                self.conn.execute(b"SET LOCAL row_security = off")  # fail rather than count some of the rows
                row = self.conn.execute(sql.encode(), tuple(values) or None).fetchone()
        except psycopg.Error as error:
            return None, REASONS.get(error.sqlstate or "", error.diag.message_primary or "it could not be counted")
        return (int(row[0]) if row else 0), ""


REASONS = {
    "57014": "counting took too long",
    "55P03": "the table is locked",
    "42501": "this login may not read it",
}


def goes(counter: Counter, parts: Sequence[Part], live: Snapshot) -> tuple[tuple[Goes, ...], tuple[str, ...]]:
    """The tables and columns that the rollbacks drop, with what is in them now; and notes on scripts that cannot be
    read. A table moved out of the way by the migration, or kept in agentdb_archive, is none of them."""
    names = names_of(live)
    found: dict[tuple[str, str], Goes] = {}
    notes = []
    for part in parts:
        script = touched(part.down)
        for touch in dropped(script):
            for id in names.get((touch.key.space, touch.key.name), ()):
                what, _, column = touch.key.part.partition(" ")
                if id.kind not in ("table", "foreign_table") or what not in ("", "column"):
                    continue
                name = f"{id.schema}.{id.name}{'.' + column if column else ''}"
                of = f"count({ident(column)})" if column else "count(*)"
                if column and ObjectId("column", id.schema, id.name, column) not in live.objects:
                    continue
                rows, why = counter.count(f"SELECT {of} FROM {qualified(id.schema, id.name)}")
                found.setdefault(
                    ("c" if column else "t", name), Goes(part.migration.label, what or "table", name, rows, why)
                )
        if any(
            p.statement.span.line in script.opaque and not is_own(p.statement.text, part.migration.label)
            for p in parse(part.down).statements
        ):
            label = part.migration.label
            notes.append(f"the rollback of {label} has blocks that cannot be read: what they drop is not counted")
    whole = {g.name for g in found.values() if g.what == "table"}
    kept = tuple(g for g in found.values() if g.what == "table" or g.name.rsplit(".", 1)[0] not in whole)
    return kept, tuple(notes)


def is_own(text: str, label: str) -> bool:
    """Whether a statement of a migration's rollback is, to the letter, one of agentdb's own bookkeeping."""
    name = literal(label)
    known = (
        told(name).sql,
        f"UPDATE agentdb_archive.captures SET restored_at = now() WHERE migration = {name}",
        "SET CONSTRAINTS ALL IMMEDIATE",
    )
    return " ".join(text.split()) in {" ".join(k.split()) for k in known} or only_looks(text)


def dropped(script: Touched) -> Iterator[Touch]:
    """What a script drops; what it only renames or moves is still there."""
    made = {(t.statement, t.key.part.partition(" ")[0]) for t in script.of("creates")}
    return (t for t in script.of("drops") if (t.statement, t.key.part.partition(" ")[0]) not in made)


def since(counter: Counter, parts: Sequence[Part], gone: Sequence[Goes], live: Snapshot) -> tuple[Since, ...]:
    """The tables that stay and that the migrations touched, with the rows written after the oldest of them."""
    names = names_of(live)
    taken = {g.name for g in gone if g.what == "table"}
    oldest = min((p.row.id for p in parts), default=0)
    counters = _counters(counter.conn)
    found: dict[str, Since] = {}
    for part in parts:
        for touch in touched(part.migration.sql).of("creates", "changes", "drops"):
            for id in names.get((touch.key.space, touch.key.name), ()):
                name = f"{id.schema}.{id.name}"
                if id.kind != "table" or name in taken or name in found:
                    continue
                rows, why = counter.count(
                    f"SELECT count(*) FROM {qualified(id.schema, id.name)} AS t,"
                    " (SELECT xmin FROM agentdb.history WHERE id = %s) AS h WHERE age(t.xmin) < age(h.xmin)",
                    (oldest,),
                )
                found[name] = Since(name, rows, why, counters.get(name, ()))
    return tuple(found[name] for name in sorted(found))


def preimages(conn: Connection, parts: Sequence[Part]) -> tuple[Preimage, ...]:
    """What was kept before the migrations, and whether it is still there."""
    there = conn.execute("SELECT pg_catalog.to_regclass('agentdb_archive.tables') IS NOT NULL").fetchone()
    if not (there and there[0]):
        return ()
    labels = [p.migration.label for p in parts]
    rows = conn.execute(load("postgres", "emergency_preimages").encode(), {"labels": labels}).fetchall()
    return tuple(Preimage(*row) for row in rows)


def _counters(conn: Connection) -> dict[str, tuple[tuple[str, str], ...]]:
    """The server's own counters of writes by table, and since when it counts."""
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    for schema, name, inserted, updated, deleted, reset in conn.execute(
        load("postgres", "emergency_counters").encode()
    ):
        found[f"{schema}.{name}"] = (
            ("inserted", str(inserted)),
            ("updated", str(updated)),
            ("deleted", str(deleted)),
            ("since", reset or "the server began to count"),
        )
    return found
