"""The quick look for messages finds what the walk over everything finds."""

from __future__ import annotations

import postgast
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from postgast.errors import PgQueryError

from agentdb.tools.sql import grammar

KINDS = frozenset(
    "RangeVar CommonTableExpr FuncCall TypeName Constraint InsertStmt UpdateStmt DeleteStmt MergeStmt".split()
)
SCRIPTS = [
    (
        "WITH a AS (DELETE FROM t RETURNING id), b (x) AS (UPDATE u SET n = f(n) FROM v RETURNING *)"
        " INSERT INTO w SELECT * FROM a JOIN b ON true WHERE EXISTS (SELECT FROM c.d) ON CONFLICT (id) DO UPDATE SET n = g(1)"
    ),
    (
        "CREATE TABLE t (id int PRIMARY KEY CHECK (f(id) > 0) DEFAULT h(), n numeric(4, 2)[] NOT NULL, UNIQUE (id, n),"
        " FOREIGN KEY (n) REFERENCES s.u ON DELETE CASCADE) PARTITION BY RANGE (lower(n::text))"
    ),
    (
        "SELECT a.b.c, (SELECT count(*) FILTER (WHERE f(x)) OVER (PARTITION BY g(y)) FROM ROWS FROM (h(1), i()) AS z), ARRAY[j()],"
        " CASE WHEN k() THEN 'v'::mood ELSE (l()).m END FROM t TABLESAMPLE bernoulli (n(3)) ORDER BY o() LIMIT p()"
    ),
    (
        "MERGE INTO t USING (VALUES (f(1))) AS s (a) ON s.a = t.a WHEN MATCHED THEN UPDATE SET a = g() WHEN NOT MATCHED THEN"
        " INSERT VALUES (h())"
    ),
    "CREATE VIEW v AS TABLE t UNION SELECT * FROM f(), LATERAL (SELECT g(f.x)) AS q",
]


@pytest.mark.parametrize("sql", SCRIPTS)
def test_messages_are_those_of_the_walk_in_its_order(sql: str) -> None:
    [statement] = grammar.raw_statements(sql)
    walked = [m for _, m in grammar.walk(statement.node) if m.DESCRIPTOR.name in KINDS]
    assert walked and list(grammar.messages(statement.node, KINDS)) == walked


def test_a_printed_expression_leaves_the_next_one_alone() -> None:
    [one, other] = (
        grammar.raw_statements(f"SELECT {text}")[0].node.target_list[0].res_target.val for text in ("a + 1", "f(b)")
    )
    assert [grammar.printed(e) for e in (one, other, one)] == ["a + 1", "f(b)", "a + 1"]
    statement = grammar.raw_statements("DROP TABLE t")[0]
    assert grammar.statement_text(statement.node_name, statement.node) == "DROP TABLE t"
    assert grammar.printed(one) == "a + 1"


PIECES = [
    "'",
    '"',
    "--",
    "\n",
    "a ",
    "E",
    "U&",
    "b",
    "-",
    "\r",
    ";",
    " ",
    "ü",
    "x1",
    "<",
    "@",
    "--x",
    "''",
    "$",
    "/*",
    "*/",
]


def scanned(sql: str) -> list[tuple[int, int]] | None:
    """The comments that the scanner itself finds; None when it gives up."""
    try:
        tokens = postgast.scan(sql).tokens
    except PgQueryError:
        return None
    return [(t.start, t.end) for t in tokens if t.token in (275, 276)]


@given(st.lists(st.sampled_from(PIECES), max_size=16).map("".join))
@settings(max_examples=2000, deadline=None)
def test_comments_are_those_that_the_scanner_finds(sql: str) -> None:
    expected = scanned(sql)
    if expected is not None:
        assert [(c.start, c.end) for c in grammar.comments(sql)] == expected
