"""Each value by itself: what is called unfit for a type is what the server refuses, and nothing else is."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from agentdb.tools.preconditions.ask import look
from agentdb.tools.preconditions.derive import Part
from agentdb.tools.preconditions.model import State
from agentdb.tools.sql.parse import parse

VALUES = {
    "numeric": "0 32767.4 32767.5 -32768.5 2147483647.4 2147483647.5 -2147483648.5 9223372036854775807.5 99.994 99.995 999.5 NaN Infinity".split(),
    "bigint": "32767 32768 -32769 2147483648 99 100 9999".split(),
    "double precision": "0.5 32767.5 32766.5 -32768.5 2147483647.5 9223372036854775807 1e39 99.995 NaN -Infinity".split(),
    "text": [
        "",
        "12",
        " 12 ",
        "1.5",
        "99999",
        "abcdef",
        "abc   ",
        "2024-02-29",
        "2023-02-29",
        "true",
        '{"a": 1}',
        '{"a":',
        "\\u0000",
    ],
    "timestamptz": ["2024-02-29 12:00+00", "infinity"],
    "integer[]": ["{1,2}", "{40000}"],
}
TARGETS = {
    "numeric": ["smallint", "integer", "bigint", "numeric(4,2)", "numeric(3)", "numeric(2,-1)", "real", "double precision", "varchar(5)"],
    "bigint": ["smallint", "integer", "numeric(4,2)", "numeric(2)", "real", "text", "varchar(3)"],
    "double precision": ["smallint", "integer", "bigint", "real", "numeric(4,2)", "numeric"],
    "text": ["varchar(5)", "char(3)", "varchar", "integer USING a::integer", "smallint USING a::smallint", "date USING a::date",
             "boolean USING a::boolean", "jsonb USING a::jsonb", "uuid USING a::uuid", "numeric(3,1) USING a::numeric(3,1)",
             "numeric USING a::numeric", "integer USING nullif(trim(a), '')::integer", "bytea USING a::bytea"],
    "timestamptz": ["date", "timestamp", "timestamp(0)", "time"],
    "integer[]": ["smallint[]", "bigint[]", "text[]"],
}  # fmt: skip


@pytest.mark.parametrize("source", VALUES)
def test_every_value_on_its_own(server: Any, source: str) -> None:
    wrong = []
    with server.create() as database, database.connect() as conn, database.connect() as reader:
        conn.execute(f"CREATE TABLE t (a {source})")
        for value in VALUES[source]:
            conn.execute("TRUNCATE t")
            conn.execute(f"INSERT INTO t VALUES (%s::text::{source})", (value,))
            for target in TARGETS[source]:
                sql = f"ALTER TABLE t ALTER COLUMN a TYPE {target}"
                answers = look(reader, [Part("m.sql", parse(sql).statements)])
                assert all(a.state is not State.UNKNOWN for a in answers), [a.line for a in answers]
                try:
                    with conn.transaction(force_rollback=True):
                        conn.execute(sql)
                        state = ""
                except psycopg.Error as error:
                    state = error.sqlstate or "?"
                assert state[:2] in ("", "22", "23") or state == "0A000", (
                    source,
                    target,
                    state,
                )  # 0A000: NaN as an integer
                if any(a.refuses for a in answers) is not bool(state):
                    wrong.append((value, target, state, [a.line for a in answers]))
    assert wrong == []
