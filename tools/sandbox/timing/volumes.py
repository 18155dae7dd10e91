"""How large a target's tables are, and how often they are written, as its catalog and statistics say."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...databases.dsn import Dsn
from ...databases.queries import load

if TYPE_CHECKING:
    from ...databases.postgres import Connection

YOUNGEST = 600.0  # seconds of statistics from which a rate of writes means something


@dataclass(frozen=True, slots=True)
class Volume:
    """rows: None where the table was never analysed. bytes: with TOAST; index_bytes: of its indexes.
    writes_per_second: rows written, on average since the statistics began; None when that is not known."""

    rows: int | None
    bytes: int
    index_bytes: int = 0
    writes_per_second: float | None = None


def of_target(target: Dsn, tables: Collection[str]) -> dict[str, Volume]:
    """The volumes of the target's tables (as schema.table), read in a session that can write nothing.

    A table that cannot be looked at within some seconds is left out. Errors: DatabaseError when there is no session.
    """
    from ...databases.postgres import connect

    options = {"default_transaction_read_only": "on", "lock_timeout": "1s", "statement_timeout": "10s"}
    with connect(target, options=options) as connection:
        return read(connection, tables)


def read(connection: Connection, tables: Collection[str]) -> dict[str, Volume]:
    """The volumes of the tables that are there. One that is locked (its size cannot be asked) is left out."""
    import psycopg

    try:
        rows = _rows(connection, list(tables))
    except psycopg.Error:
        rows = []
        for title in tables:  # one of them is locked or not ours to see: each by itself
            try:
                rows += _rows(connection, [title])
            except psycopg.Error:
                continue
    age = _age(connection)
    return {
        title: Volume(
            None if count is None else int(count),
            int(size),
            int(indexes),
            writes / age if age is not None and age >= YOUNGEST else None,
        )
        for title, count, size, indexes, writes in rows
    }


def _rows(connection: Connection, tables: list[str]) -> list[tuple[str, int | None, int, int, int]]:
    return connection.execute(load("postgres", "target_volumes").encode(), {"tables": tables}).fetchall()


def _age(connection: Connection) -> float | None:
    import psycopg

    try:
        row = connection.execute(load("postgres", "target_statistics_age").encode()).fetchone()
    except psycopg.Error:
        return None
    return float(row[0]) if row and row[0] is not None else None
