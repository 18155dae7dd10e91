"""Further rows for tables that are filled already: made now, inserted one by one later, by somebody else."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import seed_catalog
from .seed import _Filler, _insert
from .seed_catalog import Catalog
from .seed_rows import NoParent, Rows
from .seed_values import Unsupported

if TYPE_CHECKING:
    from ..databases.postgres import Connection

FAR = 100_000  # row numbers that the rows in place do not have


@dataclass(frozen=True, slots=True)
class Further:
    """sql: an INSERT of one row with one parameter, which is one of `rows`."""

    sql: str
    rows: tuple[str, ...]


def further(
    connection: Connection, count: int, *, tables: Collection[str], seed: int = 7, ahead: Catalog | None = None
) -> dict[str, Further]:
    """Up to `count` rows for each of the tables (as schema.table) that can have more; the others are left out.

    ahead: what the rows have to satisfy, when that is more than what the database asks today (see fitting.foreseen).

    The rows differ from each other and from those in place. Errors: psycopg.Error only when the connection fails.
    """
    catalog = ahead or seed_catalog.read(connection)
    filler = _Filler(connection, catalog, 0, seed, dict.fromkeys(catalog.tables, 1))
    found = {}
    for table in catalog.tables.values():
        if table.title not in tables:
            continue
        maker = Rows(catalog, table, seed, filler.parents, taken=filler.taken(table))
        made = []
        try:
            for number in range(FAR, FAR + count):
                row = maker.make(number)
                if row is None:
                    break
                made.append(json.dumps([row]))
        except (NoParent, Unsupported):
            continue
        if made:
            found[table.title] = Further(_insert(table, maker), tuple(made))
    return found
