"""Queries sent to a sandbox to be prepared, never to be run.

Parse and Describe of the extended protocol: the server analyses exactly one statement and tells what it takes and
gives. Source: manual, "Message Flow", "Extended Query".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from .model import Query, Shape

if TYPE_CHECKING:
    from ..databases.postgres import Connection

Kept = Mapping[str, str]


def shapes(conn: Connection, queries: Iterable[Query], *, prefix: str = "q") -> dict[Query, Shape]:
    """What the schema makes of each query; those that it takes stay prepared in the session as prefix1, prefix2, ...
    in the order of the queries. conn: autocommit, idle."""
    from psycopg.pq import DiagnosticField, ExecStatus

    raw: dict[Query, tuple[list[tuple[str, int, int]], list[int]]] = {}
    made: dict[Query, Shape] = {}
    for number, query in enumerate(queries, 1):
        name = f"{prefix}{number}".encode()
        result = conn.pgconn.prepare(name, query.text.encode())
        if result.status != ExecStatus.COMMAND_OK:
            state = result.error_field(DiagnosticField.SQLSTATE) or b"XX000"
            message = result.error_field(DiagnosticField.MESSAGE_PRIMARY) or b"no message"
            made[query] = Shape(sqlstate=state.decode(), message=message.decode(errors="replace"))
            continue
        told = conn.pgconn.describe_prepared(name)
        columns = [
            ((told.fname(i) or b"").decode(errors="replace"), told.ftype(i), told.fmod(i)) for i in range(told.nfields)
        ]
        raw[query] = (columns, [told.param_type(i) for i in range(told.nparams)])
    names = _type_names(conn, raw.values())
    for query, (columns, parameters) in raw.items():
        made[query] = Shape(
            tuple((name, names[oid, mod]) for name, oid, mod in columns), tuple(names[oid, -1] for oid in parameters)
        )
    return made


def _type_names(conn: Connection, found: Iterable[tuple[list[tuple[str, int, int]], list[int]]]) -> Mapping[Any, str]:
    wanted = {(oid, mod) for columns, _ in found for _, oid, mod in columns}
    wanted |= {(oid, -1) for _, parameters in found for oid in parameters}
    listed = sorted(wanted)
    rows = conn.execute(
        "SELECT t.oid::bigint, t.mod, format_type(t.oid::oid, t.mod)"
        " FROM unnest(%s::bigint[], %s::int[]) AS t (oid, mod)",
        ([oid for oid, _ in listed], [mod for _, mod in listed]),
    ).fetchall()
    return {(oid, mod): str(name) for oid, mod, name in rows}


def still_runs(conn: Connection, name: str, parameters: int) -> tuple[str, str]:
    """(SQLSTATE, message) with which the server refuses a statement that the session prepared on an earlier schema;
    ("", "") when it takes it.

    EXPLAIN EXECUTE revalidates and plans it as EXECUTE would, and runs nothing. Source: plancache.c,
    RevalidateCachedQuery; prepare.c, ExplainExecuteQuery.
    """
    import psycopg

    values = f" ({', '.join(['NULL'] * parameters)})" if parameters else ""
    try:
        conn.execute(f"EXPLAIN EXECUTE {name}{values}".encode())
    except psycopg.Error as error:
        return error.sqlstate or "XX000", error.diag.message_primary or "no message"
    return "", ""
