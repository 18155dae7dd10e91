"""A migration with its destructive statements written so that nothing is copied and nothing is lost.

It is worked through in the sandbox, statement by statement: what the plain statement would take along (by CASCADE, or
because it hangs on a column) is seen there, not guessed, and dropped explicitly.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ....errors import RollbackError
from ...databases.queries import load
from ...records import Migration
from ...schema.ddl.plan import plan
from ...schema.model import ObjectId, Snapshot
from ...schema.snapshot import read_snapshot
from ...sql import grammar
from ...sql.parse import Parsed, Script, parse
from ...sql.quote import ident, qualified
from .. import study
from . import columns, tables
from .names import Aside
from .tables import Table

if TYPE_CHECKING:
    from ...databases.postgres import Connection
    from ...sandbox.databases import SandboxDatabase
    from ...sandbox.server import SandboxServer

DATA = ("table", "column", "materialized_view")  # what holds rows or values


@dataclass(frozen=True, slots=True)
class Left:
    """A destructive statement, or a part of one, that stays as it is: its rows are kept by copying."""

    line: int
    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A migration written anew. after: the schema that it leads to."""

    sql: str
    asides: tuple[Aside, ...]
    left: tuple[Left, ...]
    after: Snapshot


@dataclass(slots=True)
class _Work:
    """One rewriting under way."""

    conn: Connection
    database: SandboxDatabase
    migration: Migration
    label: str
    script: Script
    there: set[tuple[int, int]]
    asides: list[Aside] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)

    def run(self, parsed: Parsed) -> None:
        """The statement as it is. Errors: RollbackError."""
        study.run_up(self.conn, self.database, self.migration, self.script._replace(statements=(parsed,)))

    def execute(self, statements: Iterable[str]) -> None:
        """Statements of ours. Errors: RollbackError with what the server said."""
        import psycopg

        for sql in statements:
            try:
                self.conn.execute(sql.encode())
            except psycopg.Error as error:
                raise RollbackError(
                    f"it cannot be set aside: {' '.join(str(error).split())[:300]}",
                    where=str(self.migration.path),
                    hint="`agentdb rollback draft` keeps its rows by copying.",
                ) from None

    def open(self) -> None:
        """The record of what is set aside is there from the first of it on."""
        if not self.asides:
            self.execute(_record())


def rewritten(server: SandboxServer, database: SandboxDatabase, migration: Migration, label: str) -> Rewritten:
    """The migration with its DROP TABLE and DROP COLUMN set aside where that can be.

    database: the state before, which stays as it is. Errors: RollbackError when the migration does not run, as it is
    or as it is written anew.
    """
    script = parse(migration.sql)
    study.refuse_unfit(migration, script)
    if study.is_transactional(migration, script):
        with database.connect() as conn, study.undone(conn):
            return _rewritten(_Work(conn, database, migration, label, script, _there(conn)))
    with server.clone(database) as copy, copy.connect() as conn:
        return _rewritten(_Work(conn, copy, migration, label, script, _there(conn)))


def _there(conn: Connection) -> set[tuple[int, int]]:
    """Tables, and their columns by number, that there are before the migration."""
    found = conn.execute(
        "SELECT attrelid::bigint, attnum::int FROM pg_catalog.pg_attribute WHERE attrelid >= 16384"
        " UNION ALL SELECT oid::bigint, 0 FROM pg_catalog.pg_class WHERE oid >= 16384"
    ).fetchall()
    return {(oid, number) for oid, number in found}


def _rewritten(work: _Work) -> Rewritten:
    pieces: list[tuple[Parsed, str]] = []
    for parsed in work.script.statements:
        text = _one(work, parsed) if destructive(parsed) else None
        if text is None:
            _tell_schema(work, parsed)
            _run_after(work, parsed)
        else:
            pieces.append((parsed, text))
    after = read_snapshot(work.conn)
    _all_there(work)
    return Rewritten(_text(work, pieces), tuple(work.asides), tuple(work.left), after)


def _tell_schema(work: _Work, parsed: Parsed) -> None:
    """A schema that goes with its tables is told: they are not set aside."""
    if parsed.node_name == "drop_stmt" and grammar.enum_name(parsed.node, "remove_type") == "OBJECT_SCHEMA":
        names = ", ".join(o.string.sval for o in parsed.node.objects)
        _leave(work, parsed, f"schema {names}", "a schema goes with all that is in it; drop its tables before it")


def _run_after(work: _Work, parsed: Parsed) -> None:
    """A statement that stays, with what was set aside before it. Errors: RollbackError."""
    try:
        work.run(parsed)
    except RollbackError as error:
        if not work.asides:
            raise
        raise RollbackError(
            f"with {work.asides[-1].title} set aside a later statement fails: {error.what.rpartition('sandbox: ')[2]}",
            where=error.where,
            hint="`agentdb rollback draft` keeps its rows by copying.",
        ) from None


def destructive(parsed: Parsed) -> bool:
    """Whether the statement drops a table or a column."""
    if parsed.node_name == "drop_stmt":
        return grammar.enum_name(parsed.node, "remove_type") == "OBJECT_TABLE"
    if parsed.node_name == "alter_table_stmt" and grammar.enum_name(parsed.node, "objtype") == "OBJECT_TABLE":
        return any(_drops(c.alter_table_cmd) for c in parsed.node.cmds)
    return False


def _drops(command: Any) -> bool:
    return grammar.enum_name(command, "subtype") == "AT_DropColumn"


def _one(work: _Work, parsed: Parsed) -> str | None:
    """What stands in the statement's place, run already; None when it stays as it is, and has not run."""
    before = read_snapshot(work.conn)
    first = not work.asides
    if parsed.node_name == "drop_stmt":
        made = _tables(work, parsed, before)
    else:
        made = _columns(work, parsed, before)
    if not made:
        return None
    was = " ".join(parsed.statement.text.split())
    head = f"-- Set aside, not dropped: {was if len(was) <= 90 else was[:87] + '...'}"
    return head + "\n" + ";\n".join([*(_record() if first else ()), *made])


def _after(work: _Work, text: str) -> Snapshot:
    """The schema as a statement would leave it. Errors: RollbackError when the server refuses it."""
    with work.conn.transaction(force_rollback=True):
        work.run(parse(text).statements[0])
        return read_snapshot(work.conn)


def _tables(work: _Work, parsed: Parsed, before: Snapshot) -> list[str]:
    names = [[i.string.sval for i in o.list.items] for o in parsed.node.objects]
    looked = [tables.look(work.conn, ".".join(map(ident, name))) for name in names]
    found = [t for t in looked if t is not None]
    if not found or all((t.oid, 0) not in work.there for t in found):
        return []  # there is none, or the migration made it itself
    why = next((w for t in found if (w := _why_not(work, t))), "")
    wanted = _after(work, parsed.statement.text)
    why = why or _taken(before, wanted, found, set())
    if why:
        return _leave(work, parsed, ", ".join(f"{t.schema}.{t.name}" for t in found), why)
    work.open()
    made, asides = [], []
    for table in found:
        aside, statements = tables.moved(work.label, parsed.statement.index, table)
        asides.append(aside)
        made += statements
    work.execute(made)
    return _closed(work, asides, made, wanted)


def _columns(work: _Work, parsed: Parsed, before: Snapshot) -> list[str]:
    name = qualified(parsed.node.relation.schemaname, parsed.node.relation.relname)
    table = tables.look(work.conn, name)
    commands = [c.alter_table_cmd for c in parsed.node.cmds]
    if table is None:
        return []
    there = {
        number: command.name
        for number, command in enumerate(commands)
        if _drops(command) and (table.oid, columns.number_of(work.conn, table.oid, command.name)) in work.there
    }
    if not there:
        return []
    drops = grammar.with_commands(parsed.statement.text, there)
    wanted = _after(work, drops)
    there |= _computed(table, before, wanted, set(there.values()), len(commands))
    why = _why_not(work, table) or _taken(before, wanted, [], {(table.schema, table.name, c) for c in there.values()})
    if why:
        title = ", ".join(f"{table.schema}.{table.name}.{c}" for c in there.values())
        return _leave(work, parsed, title, why)
    pairs = [columns.renamed(work.label, parsed.statement.index, table, c) for c in there.values()]
    asides, made = [a for a, _ in pairs], [sql for _, sql in pairs]
    work.open()
    work.execute(made)
    here = read_snapshot(work.conn)
    for aside in asides:
        wanted = columns.relaxed(work.conn, aside, table, here, wanted)
    made = _closed(work, asides, made, wanted)
    rest = set(range(len(commands))) - set(there)
    if rest:
        other = grammar.with_commands(parsed.statement.text, rest)
        work.run(parse(other).statements[0])
        made.append(other)
    return made


def _closed(work: _Work, asides: list[Aside], made: list[str], wanted: Snapshot) -> list[str]:
    """The statements, with those after them that bring the rest of the schema to where the plain drop leads."""
    row = work.conn.execute("SELECT current_user").fetchone()
    more = plan(read_snapshot(work.conn), wanted, runs_as=str(row[0]) if row else "").statements()
    work.execute(more)
    record = [a.record(work.label) for a in asides]
    work.execute(record)
    work.asides += asides
    return [*made, *more, *record]


def _computed(table: Table, before: Snapshot, wanted: Snapshot, dropped: set[str], first: int) -> dict[int, str]:
    """Generated columns that CASCADE takes along, numbered from `first`: they are renamed too, and go on being
    computed."""
    place = ObjectId("table", table.schema, "", table.name)
    gone = (c for c in before.children(place, "column") if c.id not in wanted.objects and c.id.name not in dropped)
    names = [c.id.name for c in gone if c.properties.get("generated")]
    return {first + number: name for number, name in enumerate(names)}


def _why_not(work: _Work, table: Table) -> str:
    if (table.oid, 0) not in work.there:
        return "the migration made the table itself"
    return tables.unfit(table)


def _taken(before: Snapshot, wanted: Snapshot, targets: list[Table], dropped: set[tuple[str, str, str]]) -> str:
    """Why not, when the drop takes other rows or values along; "" when it does not."""
    names = {(t.schema, t.name) for t in targets}
    for id in sorted(before.objects):
        if id.kind not in DATA or id in wanted.objects:
            continue
        if id.kind == "column":
            holder = ObjectId("table", id.schema, "", id.parent)
            if holder not in before.objects or (id.schema, id.parent) in names or id[1:] in dropped:
                continue
            if holder not in wanted.objects:
                continue  # told for the table
        elif (id.schema, id.name) in names:
            continue
        return f"it takes {id} along"
    return ""


def _leave(work: _Work, parsed: Parsed, what: str, why: str) -> list[str]:
    work.left.append(Left(parsed.statement.span.line, what, why))
    return []


def _record() -> list[str]:
    """The statements that make the record of what is set aside, where it is not there yet."""
    text = "\n".join(x for x in load("postgres", "set_aside_record").splitlines() if not x.startswith("--"))
    return [part.strip().removesuffix(";") for part in text.split(";\n") if part.strip()]


def _all_there(work: _Work) -> None:
    """Nothing when all that was set aside is still there. Errors: RollbackError: a later statement took it."""
    for aside in work.asides:
        if aside.kind == "table":
            query, values = "SELECT pg_catalog.to_regclass(%s) IS NOT NULL", (f'agentdb_archive."{aside.now}"',)
        else:
            query = "SELECT EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attname = %s AND NOT attisdropped)"
            values = (aside.now,)
        row = work.conn.execute(query, values).fetchone()
        if not (row and row[0]):
            raise RollbackError(
                f"{aside.title} cannot be set aside: a later statement of the migration takes it along",
                where=str(work.migration.path),
                hint="`agentdb rollback draft` keeps its rows by copying.",
            )


def _text(work: _Work, pieces: list[tuple[Parsed, str]]) -> str:
    """The migration's text with the pieces in the places of their statements; all else as it was."""
    data = work.script.sql.encode()
    for parsed, text in reversed(pieces):
        span = parsed.statement.span
        data = data[: span.start] + text.encode() + data[span.end :]
    return data.decode()
