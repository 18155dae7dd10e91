"""Text that nests deeply is read as far as the server would read it, and refused in words beyond that."""

from __future__ import annotations

import pytest

from agentdb.tools.sql import grammar
from agentdb.tools.sql.depth import LIMIT, TOO_DEEP, too_deep
from agentdb.tools.sql.parse import parse

DEEP = {
    "sums": lambda n: "SELECT " + "1 + " * n + "1",
    "concatenations": lambda n: "SELECT " + "'a' || " * n + "'a'",
    "casts": lambda n: "SELECT 1" + "::int" * n,
    "negations": lambda n: "SELECT " + "NOT " * n + "true",
    "calls": lambda n: "SELECT " + "f(" * n + "1" + ")" * n,
    "unions": lambda n: "SELECT 1" + " UNION ALL SELECT 1" * n,
    "joins": lambda n: "SELECT 1 FROM a" + " JOIN b ON a.i = b.i" * n,
    "subqueries": lambda n: "SELECT * FROM " + "(SELECT * FROM " * n + "t" + ") x" * n,
    "cases": lambda n: "SELECT " + "CASE WHEN a THEN b ELSE " * n + "1" + " END" * n,
}
SHAPES = pytest.mark.parametrize("shape", list(DEEP))


@SHAPES
@pytest.mark.parametrize("levels", [60, 400])
def test_ordinary_depth_is_read_and_printed(shape: str, levels: int) -> None:
    sql = DEEP[shape](levels)
    assert parse(sql).problem is None
    assert grammar.meaning(grammar.deparse(sql)) == grammar.meaning(sql)


@SHAPES
@pytest.mark.parametrize("levels", [LIMIT - 500, 20_000])
def test_any_depth_ends_in_a_tree_or_in_words(shape: str, levels: int) -> None:
    sql = DEEP[shape](levels)
    problem = parse(sql).problem
    if levels > LIMIT:
        assert problem is not None
        assert TOO_DEEP in problem.message or "memory exhausted" in problem.message
        for read in (grammar.deparse, grammar.meaning):
            with pytest.raises(grammar.GrammarError):
                read(sql)
    elif problem is None:
        grammar.deparse(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO t VALUES " + ", ".join(f"({n}, -1, 'a/b+c' || 'd')" for n in range(5_000)),
        "SELECT * FROM t WHERE " + " OR ".join(f"a = {n} AND b <> -{n}" for n in range(5_000)),
        "SELECT " + ", ".join(f"a + {n} * 2" for n in range(5_000)),
        ";\n".join(f"UPDATE t SET a = a + {n}" for n in range(5_000)),
        "SELECT a IN (" + ", ".join(f"({n} + 1)" for n in range(5_000)) + ")",
    ],
    ids=["rows", "conditions", "columns", "statements", "list"],
)
def test_what_is_long_is_not_deep(sql: str) -> None:
    assert too_deep(sql) is None
    assert parse(sql).problem is None
