"""Ordinary writes under the new schema, as an application would make them, and whether they outlive a rollback."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..schema.ddl.conversions import base
from ..schema.model import ObjectId, SchemaObject, Snapshot
from ..sql.quote import ident, literal, qualified
from .identities import Identities
from .rows import Row

if TYPE_CHECKING:
    from ..databases.postgres import Connection

SET_ASIDE = "agentdb_dropped_"  # what the name of a column that was not dropped begins with, see setaside/names.py
TABLES = 6  # that are written to when nobody touches them
TOUCHED = 40  # that are written to because the migration or the rollback touches them
ROWS = 5_000  # a table with more is left alone
TOGETHER = 40  # rows up to which tables are filled in one go, to the same number
NEW_ROWS = 2


@dataclass(frozen=True, slots=True)
class Written:
    """What was written to a table.

    columns: those that the table had before, in their old names; `inserted` has their values. changed: key -> the
    values written, by column, of a row that was there (by an UPDATE, a trigger or a cascade); deleted: keys.
    source: how SQL names the table's own rows, without those of tables that inherit from it.
    """

    table: ObjectId
    key: tuple[str, ...]
    columns: tuple[str, ...]
    inserted: tuple[Row, ...]
    changed: dict[Row, dict[str, str | None]] = field(default_factory=dict)
    deleted: tuple[Row, ...] = ()
    source: str = ""


@dataclass(frozen=True, slots=True)
class _Place:
    """A table that is written to: before and after, the columns that both have (old name, new name), and how SQL
    names its own rows, before and after."""

    before: ObjectId
    after: ObjectId
    shared: tuple[tuple[str, str], ...]
    key: tuple[str, ...]
    was: str
    live: str


def write(
    conn: Connection,
    before: Snapshot,
    after: Snapshot,
    old: Identities,
    new: Identities,
    touched: Sequence[ObjectId],
    there: dict[ObjectId, set[Row]],
) -> list[Written]:
    """Insert rows, update one and delete one in tables that were there before, and commit.

    touched: tables to begin with. there: the keys of the rows of before by table, for tables with few rows.
    """
    places = _places(before, after, old, new, touched)
    if not places:
        return []
    conn.execute("BEGIN")
    try:
        counts = {p.after: _count(conn, p.after) for p in places}
        places = [p for p in places if counts[p.after] <= ROWS]
        earlier = {p.after: _rows(conn, p) for p in places}
        small = [p.after for p in places if counts[p.after] <= TOGETHER]
        _insert(conn, small, max((counts[t] for t in small), default=0) + NEW_ROWS)
        for place in places:
            if counts[place.after] > TOGETHER:
                _insert(conn, [place.after], counts[place.after] + NEW_ROWS)
        for place in places:
            _keep_old_values(conn, place, before, after)
        for place in places:
            rows = there.get(place.before, set())
            _delete(conn, place, rows - _update(conn, place, before, after, rows))
        found = [w for p in places if (w := _told(p, earlier[p.after], _rows(conn, p))) is not None]
        conn.execute("COMMIT")
        return found
    except BaseException:
        if not conn.closed:
            conn.execute("ROLLBACK")
        raise


def _places(
    before: Snapshot, after: Snapshot, old: Identities, new: Identities, touched: Sequence[ObjectId]
) -> list[_Place]:
    found: list[_Place] = []
    first = list(dict.fromkeys(_top(t, before) for t in touched))
    for table in [*first, *(t.id for t in before.of("table") if t.id not in set(first))]:
        obj = before.objects.get(table)
        limit = TOUCHED if table in first else TABLES
        if obj is None or obj.properties.get("partition_of") or len(found) >= limit:
            continue
        named = new.at(old.by_id.get(table))
        if named is None or named.id not in after.objects:
            continue
        shared = []
        for column in before.children(table, "column"):
            now = new.at(old.by_id.get(column.id))
            if now is None or column.properties.get("generated"):
                continue
            there = after.objects.get(now.id)
            if there is not None and there.properties.get("type") == column.properties.get("type"):
                shared.append((column.id.name, now.id.name))
        if not shared:
            continue
        key = key_of(before, table, {o for o, _ in shared})
        found.append(_Place(table, named.id, tuple(shared), key, _own(before, table), _own(after, named.id)))
        if first and table not in first and len(found) > len(first) + 1:
            break
    return found


def _own(snapshot: Snapshot, table: ObjectId) -> str:
    """The table in FROM: a partitioned one with its partitions, another without the tables that inherit from it."""
    only = "" if snapshot.objects[table].properties.get("partition_key") else "ONLY "
    return only + qualified(table.schema, table.name)


def _top(table: ObjectId, before: Snapshot) -> ObjectId:
    """The table that a partition belongs to in the end, else the table itself."""
    tops = {qualified(t.id.schema, t.id.name): t.id for t in before.of("table") if t.properties.get("partition_key")}
    while (obj := before.objects.get(table)) and (above := tops.get(str(obj.properties.get("partition_of")))):
        table = above
    return table


def untried(
    conn: Connection,
    before: Snapshot,
    after: Snapshot,
    old: Identities,
    new: Identities,
    touched: Sequence[ObjectId],
    done: Sequence[Written],
) -> list[str]:
    """Tables that are touched, stay, and hold too many rows (or are too many) to have been written to."""
    tried = {w.table for w in done}
    found = []
    for table in dict.fromkeys(_top(t, before) for t in touched):
        named = new.at(old.by_id.get(table))
        if table in tried or table not in before.objects or named is None or named.id not in after.objects:
            continue
        if len(tried) >= TOUCHED or _count(conn, named.id) > ROWS:
            found.append(f"{table.schema}.{table.name}")
    return found


def key_of(before: Snapshot, table: ObjectId, usable: set[str]) -> tuple[str, ...]:
    """The primary key, when all its columns are usable."""
    for constraint in before.children(table, "constraint"):
        if constraint.properties.get("type") == "primary key":
            columns = tuple(constraint.properties.get("columns") or ())
            return columns if set(columns) <= usable else ()
    return ()


def _count(conn: Connection, table: ObjectId) -> int:
    query = f"SELECT count(*) FROM (SELECT FROM {qualified(table.schema, table.name)} LIMIT {ROWS + 1}) AS x"
    row = conn.execute(query.encode()).fetchone()
    return int(row[0]) if row else 0


def _rows(conn: Connection, place: _Place) -> Counter[Row]:
    cells = ", ".join(f"{ident(n)}::text" for _, n in place.shared)
    return Counter(tuple(r) for r in conn.execute(f"SELECT {cells} FROM {place.live}".encode()).fetchall())


def _insert(conn: Connection, tables: list[ObjectId], rows: int) -> None:
    from ..sandbox.seed import seed

    conn.execute("SAVEPOINT agentdb_write")
    seed(conn, rows=rows, seed=2, tables=tables)


def _keep_old_values(conn: Connection, place: _Place, before: Snapshot, after: Snapshot) -> None:
    """Take away new rows that the old schema could not hold (NULL, a new label, a longer text): that such rows stop
    a rollback is told apart, as a condition, and is no surprise to test for."""
    table = place.live
    new_row = "age(xmin) <= age(pg_current_xact_id()::xid)"
    for old_name, new_name in place.shared:
        was = before.objects[ObjectId("column", place.before.schema, place.before.name, old_name)].properties
        now = after.objects[ObjectId("column", place.after.schema, place.after.name, new_name)].properties
        name = ident(new_name)
        if new_name.startswith(SET_ASIDE):  # an application leaves it out, whatever the old schema wants of it
            _try(conn, f"UPDATE {table} SET {name} = DEFAULT WHERE {new_row}")
            continue
        if was.get("not_null") and not now.get("not_null"):
            known = f"(SELECT k.{name} FROM {table} AS k WHERE k.{name} IS NOT NULL LIMIT 1)"
            unfit = f"{new_row} AND {name} IS NULL"
            if _try(conn, f"UPDATE {table} SET {name} = {known} WHERE {unfit}") < 0:
                _try(conn, f"DELETE FROM {table} WHERE {unfit}")
        had, labels = _labels(str(was["type"]), before, after)
        if labels and had:
            said = ", ".join(map(literal, labels))
            several = str(was["type"]).endswith("[]")
            unfit = f"{new_row} AND " + (f"{name}::text[] && ARRAY[{said}]" if several else f"{name}::text IN ({said})")
            fit = "'{}'" if several else literal(had[0])
            if _try(conn, f"UPDATE {table} SET {name} = {fit} WHERE {unfit}") < 0:
                _try(conn, f"DELETE FROM {table} WHERE {unfit}")


def _labels(type_name: str, before: Snapshot, after: Snapshot) -> tuple[list[str], list[str]]:
    """The labels that an enum had before and has still, and those that are new; ([], []) for other types."""
    for kind in before.of("enum"):
        if qualified(kind.id.schema, kind.id.name) == type_name.removesuffix("[]") and kind.id in after.objects:
            had = list(kind.properties.get("labels") or ())
            now = list(after.objects[kind.id].properties.get("labels") or ())
            return [x for x in had if x in now], [x for x in now if x not in had]
    return [], []


def _try(conn: Connection, sql: str) -> int:
    """Run a statement; the number of rows it changed, -1 when the server refuses it."""
    import psycopg

    conn.execute("SAVEPOINT agentdb_try")
    try:
        number = conn.execute(sql.encode()).rowcount
        conn.execute("SET CONSTRAINTS ALL IMMEDIATE")
        conn.execute("RELEASE SAVEPOINT agentdb_try")
        return number
    except psycopg.Error:
        conn.execute("ROLLBACK TO SAVEPOINT agentdb_try")
        return -1


def _condition(place: _Place, key: Row) -> str:
    names = dict(place.shared)
    return " AND ".join(f"{ident(names[k])}::text = {literal(str(v))}" for k, v in zip(place.key, key, strict=True))


def _told(place: _Place, earlier: Counter[Row], now: Counter[Row]) -> Written | None:
    """What the writes did to the table, by comparison; None when a table without a key lost rows in them."""
    names = tuple(o for o, _ in place.shared)
    if not place.key:
        if earlier - now:
            return None
        new_rows = tuple(sorted((now - earlier).elements(), key=repr))
        return Written(place.before, (), names, new_rows, source=place.was)
    at = [names.index(k) for k in place.key]
    old = {tuple(r[p] for p in at): r for r in earlier}
    new = {tuple(r[p] for p in at): r for r in now}
    changed = {
        key: {n: x for n, x, y in zip(names, row, old[key], strict=True) if x != y}
        for key, row in new.items()
        if key in old and row != old[key]
    }
    inserted = tuple(sorted((r for k, r in new.items() if k not in old), key=repr))
    return Written(place.before, place.key, names, inserted, changed, tuple(k for k in old if k not in new), place.was)


def _update(conn: Connection, place: _Place, before: Snapshot, after: Snapshot, there: set[Row]) -> set[Row]:
    """One row of before updated in one plain column; its key."""
    if not place.key or not there:
        return set()
    key = min(there, key=repr)
    table = place.live
    for old_name, new_name in _plain_columns(place, before, after)[:4]:
        value = _other_value(before.objects[ObjectId("column", place.before.schema, place.before.name, old_name)])
        if value is None:
            continue
        if _try(conn, f"UPDATE {table} SET {ident(new_name)} = {value} WHERE {_condition(place, key)}") == 1:
            return {key}
    return set()


def _plain_columns(place: _Place, before: Snapshot, after: Snapshot) -> list[tuple[str, str]]:
    """Shared columns that stand in no key or constraint, before and after."""
    bound: set[str] = set()
    for snapshot, table in ((before, place.before), (after, place.after)):
        for kind in ("constraint", "index"):
            for obj in snapshot.children(table, kind):
                if obj.properties.get("unique") or kind == "constraint":
                    bound |= {str(c) for c in obj.properties.get("columns") or ()}
    return [(o, n) for o, n in place.shared if o not in bound and n not in bound]


def _other_value(column: SchemaObject) -> str | None:
    kind = base(str(column.properties["type"]))
    if kind in ("text", "character varying"):
        return "'agentdb'"
    if kind in ("integer", "bigint", "smallint", "numeric"):
        return "123"
    if kind in ("timestamp with time zone", "timestamp without time zone", "date"):
        return "'2001-02-03'"
    if kind == "boolean":
        return f"NOT coalesce({ident(column.id.name)}, false)"
    return None


def _delete(conn: Connection, place: _Place, there: set[Row]) -> None:
    """One row of before deleted, when nothing hangs on it and others stay."""
    if not place.key or len(there) < 2:
        return
    key = max(there, key=repr)
    table = place.live
    if _alone(conn, place, key):
        _try(conn, f"DELETE FROM {table} WHERE {_condition(place, key)}")


def _alone(conn: Connection, place: _Place, key: Row) -> bool:
    """Whether no foreign key cascades from the table: a deletion would take other rows along."""
    row = conn.execute(
        "SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE contype = 'f' AND confdeltype IN ('c', 'n', 'd')"
        " AND confrelid = %s::regclass)",
        (qualified(place.after.schema, place.after.name),),
    ).fetchone()
    return bool(row and row[0])


def lost(
    conn: Connection,
    found: Sequence[Written],
    before_rows: dict[ObjectId, Counter[Row]],
    columns: dict[ObjectId, tuple[str, ...]],
    earlier: dict[str, int],
) -> list[str]:
    """What of the writes, or of the rows beside them, is not as it should be after the rollback; [] when all is.

    earlier: conflicts that were noted before the rollback. A row of before that did not come back, or one of the migration's that stayed, counts only when the rollback did
    not note it as a conflict.
    """
    problems = []
    noted = conflicts(conn)
    for written in found:
        name = f"{written.table.schema}.{written.table.name}"
        table = qualified(written.table.schema, written.table.name)
        cells = ", ".join(f"{ident(c)}::text" for c in written.columns)
        now = Counter(tuple(r) for r in conn.execute(f"SELECT {cells} FROM {written.source}".encode()).fetchall())
        missing = Counter(written.inserted) - now
        if missing:
            number = sum(missing.values())
            problems.append(f"{name}: {number} row{'' if number == 1 else 's'} written since gone or other")
        all_columns = columns[written.table]
        whole = ", ".join(f"{ident(c)}::text" for c in all_columns)
        rows = Counter(tuple(r) for r in conn.execute(f"SELECT {whole} FROM {written.source}".encode()).fetchall())
        old = before_rows.get(written.table)
        if old is None:
            continue
        places = [all_columns.index(k) for k in written.key]
        apart = set(written.changed) | set(written.deleted)
        untouched = Counter(
            {r: n for r, n in old.items() if not written.key or tuple(r[p] for p in places) not in apart}
        )
        allowed = noted.get(table, 0) - earlier.get(table, 0)
        gone = sum((untouched - rows).values())
        if gone > allowed:
            problems.append(f"{name}: {gone} row{'' if gone == 1 else 's'} of before gone or other")
        by_key = {tuple(r[p] for p in places): r for r in rows} if written.key else {}
        for key, values in written.changed.items():
            row = by_key.get(key)
            for column, value in values.items():
                if row is None or row[all_columns.index(column)] != value:
                    problems.append(f"{name}: a value of {column} written since is gone")
        if any(key in by_key for key in written.deleted):
            problems.append(f"{name}: a row deleted since is back")
        expected = sum(old.values()) - len(written.deleted) + len(written.inserted)
        if abs(sum(rows.values()) - expected) > allowed:
            problems.append(f"{name}: {sum(rows.values())} rows where {expected} should be")
    return problems


def conflicts(conn: Connection) -> dict[str, int]:
    """How many conflicts are noted, by table as the rollback names it."""
    row = conn.execute("SELECT to_regclass('agentdb_archive.conflicts')").fetchone()
    if not row or row[0] is None:
        return {}
    query = "SELECT relation, count(*) FROM agentdb_archive.conflicts GROUP BY relation"
    return {relation: count for relation, count in conn.execute(query).fetchall()}
