"""INSERT ... ON CONFLICT that has lost the unique index it names by columns.

The server looks for that index when it plans, not when it prepares, so such a query is taken by every schema and fails
when it runs (SQLSTATE 42P10). Planning is asked for with EXPLAIN (GENERIC_PLAN), which runs nothing. Source: plancat.c,
infer_arbiter_indexes; manual, EXPLAIN (GENERIC_PLAN from PostgreSQL 16 on).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from .model import Query

if TYPE_CHECKING:
    from ..databases.postgres import Connection

SINCE = 160000
LOST = "42P10"
NAMES_COLUMNS = re.compile(r"\bon\s+conflict\s*\(", re.IGNORECASE)


def refused(conn: Connection, queries: Iterable[Query]) -> dict[Query, str]:
    """The server's message for each of the queries that has no unique index for its ON CONFLICT; none on a server that
    cannot plan without values. The queries are single statements: this schema has prepared them."""
    import psycopg

    found: dict[Query, str] = {}
    if conn.info.server_version < SINCE:
        return found
    for query in queries:
        if not NAMES_COLUMNS.search(query.text):
            continue
        try:
            conn.execute(b"EXPLAIN (GENERIC_PLAN) " + query.text.encode())
        except psycopg.Error as error:
            if conn.closed:
                raise
            if error.sqlstate == LOST:
                found[query] = error.diag.message_primary or "no unique index for ON CONFLICT"
    return found
