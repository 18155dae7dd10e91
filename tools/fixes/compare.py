"""Whether two databases are in the same state: every object of the schema, every row, every sequence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..rollback.rows import tables_of
from ..schema.diff import diff, significant
from ..schema.model import ObjectId, Snapshot
from ..schema.snapshot import read_snapshot
from ..sql.quote import ident, qualified

if TYPE_CHECKING:
    from ..databases.postgres import Connection


Row = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class State:
    """A database's schema, rows and sequences. rows: how often each row occurs, as texts. filled: (table, column) ->
    how many values are not NULL, how many differ from each other."""

    snapshot: Snapshot
    columns: Mapping[ObjectId, tuple[str, ...]]
    rows: Mapping[ObjectId, Counter[Row]]
    filled: Mapping[tuple[ObjectId, str], tuple[int, int]]
    sequences: Mapping[str, int | None]


@dataclass(frozen=True, slots=True)
class Compared:
    """differences: why the states are not the same. exceptions: what is other and harmless as far as can be told."""

    differences: tuple[str, ...]
    exceptions: tuple[str, ...]


def state_of(connection: Connection) -> State:
    """The state of the connection's database."""
    snapshot = read_snapshot(connection)
    tables = tables_of(snapshot)
    rows: dict[ObjectId, Counter[Row]] = {}
    filled: dict[tuple[ObjectId, str], tuple[int, int]] = {}
    for table, columns in tables.items():
        cells = ", ".join(f"{ident(c)}::text" for c in columns)
        found = connection.execute(f"SELECT {cells} FROM {qualified(table.schema, table.name)}".encode()).fetchall()
        rows[table] = Counter(found)
        for place, column in enumerate(columns):
            values = [row[place] for row in found if row[place] is not None]
            filled[table, column] = (len(values), len(set(values)))
    numbers = connection.execute(
        "SELECT schemaname || '.' || sequencename, last_value FROM pg_catalog.pg_sequences ORDER BY 1"
    ).fetchall()
    return State(snapshot, tables, rows, filled, dict(numbers))


def compare(wanted: State, got: State, again: Callable[[], State]) -> Compared:
    """How `got` differs from `wanted`. again: the state of another run of the same script as `wanted`, asked only
    when rows differ: columns in which those two differ are not determined by the script (random values, the time), so
    that only how many are filled and how many differ can be compared."""
    changes = significant(diff(wanted.snapshot, got.snapshot), ignore_positions=False)
    differences, exceptions = [], []
    for change in changes:
        if change.kind == "altered" and change.properties == ("position",) and change.id.kind == "column":
            exceptions.append(f"column {change.id.parent}.{change.id.name} stands at another place in the table")
        else:
            differences.append(f"in the rewrite {change.line}")
    unequal = _unequal(wanted, got)
    other = again() if unequal else wanted
    free = {place for place in _unequal(wanted, other) if place[1]}
    for table, column in sorted(unequal):
        where = f"{qualified(table.schema, table.name)}{f'.{column}' if column else ''}"
        if (table, column) not in free:
            differences.append(f"rows differ in {where}")
        elif not _as_full(wanted.filled.get((table, column)), other.filled.get((table, column)), got, table, column):
            differences.append(f"{where} is filled otherwise")
        else:
            exceptions.append(f"the values of {where} are other ones each time the original runs, too")
    for name, value in wanted.sequences.items():
        if name in got.sequences and got.sequences[name] != value:
            differences.append(f"sequence {name} stands at {got.sequences[name]}, not at {value}")
    return Compared(tuple(differences), tuple(exceptions))


def _as_full(
    one: tuple[int, int] | None, other: tuple[int, int] | None, got: State, table: ObjectId, column: str
) -> bool:
    """Whether as many values are there, and as many different ones where two runs of the original agree on that."""
    now = got.filled.get((table, column))
    return now is not None and one is not None and now[0] == one[0] and (one != other or now[1] == one[1])


def _unequal(one: State, other: State) -> set[tuple[ObjectId, str]]:
    """The columns whose rows differ; "" for a column: the rows of the table, whatever the column."""
    found: set[tuple[ObjectId, str]] = set()
    for table, rows in one.rows.items():
        now = other.rows.get(table)
        if now is None or one.columns[table] != other.columns[table] or rows == now:
            continue  # of what is not there on both sides the schema tells
        if rows.total() != now.total():
            found.add((table, ""))
            continue
        kept = []
        for place, column in enumerate(one.columns[table]):
            if _only(rows, [place]) != _only(now, [place]):
                found.add((table, column))
            else:
                kept.append(place)
        if _only(rows, kept) != _only(now, kept):
            found.add((table, ""))
    return found


def _only(rows: Counter[Row], places: list[int]) -> Counter[Row]:
    """The rows cut down to some of their cells."""
    made: Counter[Row] = Counter()
    for row, count in rows.items():
        made[tuple(row[i] for i in places)] += count
    return made
