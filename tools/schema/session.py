"""A session that reads catalogs: one snapshot of them, printed the same way whoever asks, and nothing changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from types import TracebackType
from typing import TYPE_CHECKING, Any, LiteralString, Self

from ..databases.queries import load

if TYPE_CHECKING:
    import psycopg

Rows = list[tuple[Any, ...]]

_MARK = re.compile(r"--\s*(since|before) (\d+)\s*$")


@cache
def query(name: str, major: int) -> LiteralString:
    """The PostgreSQL query `name` for a server of major version `major`.

    A line that ends with `-- since 15` is kept for 15 and later, one with `-- before 15` for earlier versions.
    """
    kept = []
    for line in load("postgres", name).splitlines():
        mark = _MARK.search(line)
        if mark is None or (major >= int(mark[2])) == (mark[1] == "since"):
            kept.append(line)
    return "\n".join(kept)


@contextmanager
def reading(conn: psycopg.Connection[Any]) -> Iterator[None]:
    """A read-only, repeatable-read transaction with canonical printing; the session is afterwards as it was.

    Within a transaction of the caller's: a savepoint that is rolled back, so what is not committed yet is read too.
    """
    from psycopg import pq

    idle = conn.info.transaction_status == pq.TransactionStatus.IDLE
    autocommit = conn.autocommit
    if idle:
        if not autocommit:
            conn.autocommit = True
        conn.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    else:
        conn.execute("SAVEPOINT agentdb_reading")
    try:
        conn.execute(query("snapshot_session", 0))
        yield
    finally:
        if not conn.closed:
            if idle:
                conn.execute("ROLLBACK")
                conn.autocommit = autocommit
            else:
                conn.execute("ROLLBACK TO SAVEPOINT agentdb_reading")
                conn.execute("RELEASE SAVEPOINT agentdb_reading")


class Questions:
    """Queries asked one after the other by a second thread, so that the server prints the next answer while the last
    one is taken in. The connection belongs to that thread until the end of the block."""

    def __init__(self, conn: psycopg.Connection[Any], major: int) -> None:
        self._conn = conn
        self._major = major
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="agentdb-reading")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def ask(self, name: str, **values: Any) -> Future[Rows]:
        """The rows to come of query `name`."""
        return self._pool.submit(self._rows, query(name, self._major), values)

    def _rows(self, text: LiteralString, values: dict[str, Any]) -> Rows:
        from psycopg.rows import tuple_row

        with self._conn.cursor(binary=True, row_factory=tuple_row) as cursor:
            return cursor.execute(text, values).fetchall()
