"""INSERTs that leave out a column which needs a value: told from the catalog, since preparing does not show it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from ..databases.queries import load
from ..sql.parse import parse
from .model import Query

if TYPE_CHECKING:
    from ..databases.postgres import Connection


@dataclass(frozen=True, slots=True)
class Needed:
    """A column without which no row can be inserted. filled: unless a trigger fills it."""

    table: str
    column: str
    filled: bool


@dataclass(frozen=True)
class Required:
    """The columns that need a value, of every table of a schema. Source: manual, pg_attribute."""

    rows: tuple[tuple[str, str, str, int, bool, bool], ...]

    @cached_property
    def by_table(self) -> dict[tuple[str, str], list[tuple[str, int, bool, bool]]]:
        found: dict[tuple[str, str], list[tuple[str, int, bool, bool]]] = {}
        for schema, table, column, number, in_path, filled in self.rows:
            found.setdefault((schema, table), []).append((column, number, in_path, filled))
        return found

    def left_out(self, query: Query) -> tuple[Needed, ...]:
        """The columns that an INSERT gives no value although it must; () for other queries, and where that cannot be
        told from its text."""
        into = _target(query.text)
        if into is None:
            return ()
        schema, name, given, count = into
        found = []
        for (own_schema, table), columns in self.by_table.items():
            if table != name or (own_schema != schema if schema else not columns[0][2]):
                continue
            places = sorted(number for _, number, _, _ in columns)
            for column, number, _, filled in columns:
                there = column in given if given is not None else number <= (count or 0)
                if not there and places:
                    found.append(Needed(f"{own_schema}.{table}", column, filled))
        return tuple(found)


def required(conn: Connection) -> Required:
    """The columns that need a value now."""
    return Required(tuple(conn.execute(load("postgres", "appcompat_required").encode()).fetchall()))


@lru_cache(maxsize=4096)
def _target(text: str) -> tuple[str, str, frozenset[str] | None, int | None] | None:
    """(schema, table, the columns named, how many values) of an INSERT; None for other queries, and where it cannot be
    told what a row is given."""
    if "insert" not in text.lower():
        return None
    statements = parse(text).statements
    if len(statements) != 1 or statements[0].node_name != "insert_stmt":
        return None
    node = statements[0].node
    given, count = _given(node)
    if given is None and count is None:
        return None
    return str(node.relation.schemaname), str(node.relation.relname), given, count


def _given(node: Any) -> tuple[frozenset[str] | None, int | None]:
    """(the columns named, None) or (None, how many values stand in a row); (None, None) when that is not to be seen."""
    if node.cols:
        return frozenset(str(c.res_target.name) for c in node.cols), None
    if not node.HasField("select_stmt"):
        return frozenset(), None  # DEFAULT VALUES
    select = node.select_stmt.select_stmt
    if select.values_lists:
        return None, len(select.values_lists[0].list.items)
    targets = [t.res_target.val for t in select.target_list]
    star = any(
        t.WhichOneof("node") == "column_ref" and t.column_ref.fields[-1].WhichOneof("node") == "a_star" for t in targets
    )
    return (None, None) if star or not targets else (None, len(targets))
