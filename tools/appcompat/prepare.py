"""Queries sent to a sandbox to be prepared, never to be run.

Parse and Describe of the extended protocol: the server analyses exactly one statement and tells what it takes and
gives. Source: manual, "Message Flow", "Extended Query".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .model import Query, Shape

if TYPE_CHECKING:
    from ..databases.postgres import Connection

AT_ONCE = 50


def shapes(conn: Connection, queries: Iterable[Query], *, prefix: str = "q") -> dict[Query, Shape]:
    """What the schema makes of each query; those that it takes stay prepared in the session as prefix1, prefix2, ...
    in the order of the queries. conn: autocommit, idle."""
    from psycopg.pq import DiagnosticField, ExecStatus

    raw: dict[Query, tuple[list[tuple[str, int, int]], list[int]]] = {}
    made: dict[Query, Shape] = {}
    for query, prepared, told in _answers(conn, list(queries), prefix):
        if prepared.status != ExecStatus.COMMAND_OK:
            state = prepared.error_field(DiagnosticField.SQLSTATE) or b"XX000"
            message = prepared.error_field(DiagnosticField.MESSAGE_PRIMARY) or b"no message"
            made[query] = Shape(sqlstate=state.decode(), message=message.decode(errors="replace"))
            continue
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


def _answers(conn: Connection, queries: Sequence[Query], prefix: str) -> Iterator[tuple[Query, Any, Any]]:
    """(query, answer to Parse, answer to Describe) in order; many go to the server before the first answer is awaited.

    A Sync after each keeps a refused one from taking the next with it. Source: libpq, "Pipeline Mode".
    """
    pg = conn.pgconn
    pg.enter_pipeline_mode()
    try:
        for start in range(0, len(queries), AT_ONCE):
            some = queries[start : start + AT_ONCE]
            for number, query in enumerate(some, start + 1):
                name = f"{prefix}{number}".encode()
                pg.send_prepare(name, query.text.encode())
                pg.send_describe_prepared(name)
                pg.pipeline_sync()
            for query in some:
                prepared, _ = pg.get_result(), pg.get_result()
                told, _ = pg.get_result(), pg.get_result()
                pg.get_result()  # of the Sync
                yield query, prepared, told
    finally:
        pg.exit_pipeline_mode()


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
