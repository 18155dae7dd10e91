"""Whether an application finds after the set-aside migration what it would find after the plain one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ....errors import RollbackError
from ...records import Migration
from ...schema.ddl.closure import different
from ...schema.model import ObjectId, Snapshot
from ...sql.parse import parse
from ...sql.quote import ident, qualified
from .. import study
from .names import Aside

if TYPE_CHECKING:
    from ...databases.postgres import Connection
    from ...sandbox.databases import SandboxDatabase
    from ...sandbox.server import SandboxServer

Row = tuple[Any, ...]

ROWS = 3  # written to each table that is looked at
DELETED = 8  # rows tried one by one in tables that the dropped ones pointed at


def schema(plain: Snapshot, aside: Snapshot, asides: Sequence[Aside]) -> tuple[str, ...]:
    """What the schema has more than after the plain migration: the columns set aside, and what stays on them.

    Errors: RollbackError when it differs in anything else.
    """
    names = {a.now for a in asides if a.kind == "column"}
    more, wrong = [], []
    for id in sorted({*plain.objects, *aside.objects}):
        a, b = plain.objects.get(id), aside.objects.get(id)
        if a is not None and b is not None:
            wrong += [f"{id}: {', '.join(found)}"] if (found := different(a.properties, b.properties)) else []
        elif b is None:
            wrong.append(f"{id} is missing")
        elif _belongs(id, b.properties, names):
            more.append(str(id))
        else:
            wrong.append(f"{id} is too much")
    if wrong:
        raise RollbackError(
            f"set aside, the migration would leave another schema: {'; '.join(wrong[:3])}",
            hint="`agentdb rollback draft` keeps its rows by copying.",
        )
    return tuple(more)


def _belongs(id: ObjectId, properties: Any, names: set[str]) -> bool:
    if id.kind == "column":
        return id.name in names
    if id.kind == "sequence":
        return bool(set(properties.get("owned_by") or ()) & names)
    text = str(properties.get("definition"))
    return id.kind in ("index", "constraint", "statistics") and any(name in text for name in names)


@dataclass(slots=True)
class _Seen:
    """What one of the two migrations left: by table its rows, and the outcome of each write ("" or an SQLSTATE)."""

    rows: dict[ObjectId, list[Row]] = field(default_factory=dict)
    fresh: dict[ObjectId, list[Row]] = field(default_factory=dict)
    written: dict[ObjectId, list[str]] = field(default_factory=dict)
    deleted: dict[ObjectId, list[str]] = field(default_factory=dict)


def behaviour(
    server: SandboxServer,
    database: SandboxDatabase,
    plain: Migration,
    aside: Migration,
    asides: Sequence[Aside],
    before: Snapshot,
    after: Snapshot,
) -> tuple[str, ...]:
    """What was tried after both migrations, over the same rows: reading the columns by name, writing rows with them,
    deleting where the things set aside point. before, after: the schema before and after the plain migration.
    Errors: RollbackError when the outcome differs."""
    tables = _concerned(before, after, asides)
    with carried_out(server, database, plain) as conn:
        one = _seen(conn, tables, after, None)
    with carried_out(server, database, aside) as conn:
        other = _seen(conn, tables, after, one.fresh)
    for table in tables:
        name = qualified(table.schema, table.name)
        if one.rows[table] != other.rows[table]:
            raise _otherwise(name, "its rows read otherwise")
        for word, was, now in (
            ("written", one.written[table], other.written[table]),
            ("deleted", one.deleted[table], other.deleted[table]),
        ):
            if was != now:
                a, b = next((a, b) for a, b in zip(was, now, strict=True) if a != b)
                raise _otherwise(name, f"a row is {word} with '{a or 'ok'}', and here with '{b or 'ok'}'")
    counts = [sum(map(len, one.rows.values())), _done(one.written), _done(one.deleted)]
    said = "{} rows read alike by name, {} written alike, {} deleted alike".format(*counts)
    return (f"{said} in {len(tables)} table{'' if len(tables) == 1 else 's'}",)


def _done(outcomes: Mapping[ObjectId, list[str]]) -> int:
    return sum(1 for found in outcomes.values() for outcome in found if not outcome)


@contextmanager
def carried_out(server: SandboxServer, database: SandboxDatabase, migration: Migration) -> Iterator[Connection]:
    """A session that sees the state after the migration; nothing of it stays. Errors: RollbackError."""
    script = parse(migration.sql)
    study.refuse_unfit(migration, script)
    if study.is_transactional(migration, script):
        with database.connect() as conn, study.undone(conn):
            study.run_up(conn, database, migration, script)
            conn.execute("SET CONSTRAINTS ALL IMMEDIATE")
            yield conn
        return
    with server.clone(database) as copy:
        study.run_statements(copy, migration)
        with copy.connect() as conn:
            yield conn


def _concerned(before: Snapshot, after: Snapshot, asides: Sequence[Aside]) -> list[ObjectId]:
    """Tables whose rows the things set aside could still have a say in: their own, and those at either end of their
    foreign keys."""
    own = {qualified(a.schema, a.table) for a in asides}
    found = set(own)
    for constraint in before.of("constraint"):
        if constraint.properties.get("type") == "foreign key":
            ends = {qualified(constraint.id.schema, constraint.id.parent), str(constraint.properties.get("references"))}
            if ends & own:
                found |= ends
    return [t.id for t in after.of("table") if qualified(t.id.schema, t.id.name) in found]


def _seen(
    conn: Connection, tables: Sequence[ObjectId], after: Snapshot, fresh: Mapping[ObjectId, list[Row]] | None
) -> _Seen:
    """What there is after a migration. fresh: the rows to write, made by the seeder when they are not given."""
    found = _Seen()
    for table in tables:
        columns = after.children(table, "column")
        names = [ident(c.id.name) for c in columns]
        given = [ident(c.id.name) for c in columns if not c.properties.get("generated")]
        name = qualified(table.schema, table.name)
        rows = found.rows[table] = sorted(_ask(conn, f"SELECT {_texts(names)} FROM {name}"), key=repr)
        found.fresh[table] = _fresh(conn, table, name, given, len(rows)) if fresh is None else fresh[table]
        places = ", ".join(["%s"] * len(given))
        insert = f"INSERT INTO {name} ({', '.join(given)}) OVERRIDING SYSTEM VALUE VALUES ({places})"
        found.written[table] = [_tried(conn, insert, row) for row in found.fresh[table]]
        same = " AND ".join(f"{n}::text IS NOT DISTINCT FROM %s" for n in names)
        delete = f"DELETE FROM {name} WHERE {same}"
        found.deleted[table] = [_tried(conn, delete, row) for row in rows[:DELETED]] if names else []
    return found


def _texts(names: Sequence[str]) -> str:
    return ", ".join(f"{n}::text" for n in names)


def _ask(conn: Connection, query: str) -> list[Row]:
    return [tuple(r) for r in conn.execute(query.encode()).fetchall()]


def _fresh(conn: Connection, table: ObjectId, name: str, columns: Sequence[str], there: int) -> list[Row]:
    """Rows such as an application would write, made by the seeder in a transaction that is given up."""
    from ...sandbox.seed import seed

    if not columns:
        return []
    rows = f"SELECT {_texts(columns)} FROM {name}"
    with conn.transaction(force_rollback=True):
        before = Counter(_ask(conn, rows))
        seed(conn, rows=there + ROWS, seed=5, tables=[table])
        return list((Counter(_ask(conn, rows)) - before).elements())


def _tried(conn: Connection, sql: str, values: Sequence[Any]) -> str:
    """ "" when the server takes it, else its SQLSTATE; nothing of it stays."""
    import psycopg

    try:
        with conn.transaction(force_rollback=True):
            conn.execute(sql.encode(), tuple(values))
            conn.execute("SET CONSTRAINTS ALL IMMEDIATE")
    except psycopg.Error as error:
        return error.sqlstate or "error"
    return ""


def _otherwise(name: str, what: str) -> RollbackError:
    return RollbackError(
        f"set aside, {name} does not behave as after the plain migration: {what}",
        hint="`agentdb rollback draft` keeps its rows by copying.",
    )
