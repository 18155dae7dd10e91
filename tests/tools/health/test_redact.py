from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentdb.tools.health.redact import HEAD, query_head, without_literals


@pytest.mark.parametrize(
    ("sql", "shown"),
    [
        ("SELECT * FROM t WHERE a = 'x' AND b = 42", "SELECT * FROM t WHERE a = ? AND b = ?"),
        ("SELECT 'it''s', E'a\\'b', e'\\\\', B'101', X'ff', N'n', U&'d\\0061t'", "SELECT ?, ?, ?, ?, ?, ?, ?"),
        ("SELECT $$a 'b' $$, $x$ $$ $x$, $1, $2", "SELECT ?, ?, $1, $2"),
        ("SELECT 1.5e-3, .5, 0xFF, 1_000, -7, t1.c2, a1b", "SELECT ?, ?, ?, ?, -?, t1.c2, a1b"),
        ("SELECT 1 -- secret 4711\n, 2 /* also /* nested */ secret */ , 3", "SELECT ? , ? , ?"),
        ('UPDATE "Ta""ble 9" SET "c 1" = 9', 'UPDATE "Ta""ble 9" SET "c 1" = ?'),
        ("ALTER ROLE app PASSWORD 'hunter2'", "ALTER ROLE app PASSWORD ?"),
        ("INSERT INTO t VALUES ('cut off in the mid", "INSERT INTO t VALUES (?"),
        ("SELECT $$cut off", "SELECT ?"),
        ("SELECT /* cut off secret", "SELECT"),
        ("SELECT E'cut \\", "SELECT ?"),
        ("SELECT 'it\\'s a secret', 'x'", "SELECT ? ..."),
        ("SELECT\n\t 'a'\n 'b'", "SELECT ? ?"),
        ("SELECT tablee'x', fo$o$, é'y'", "SELECT tablee?, fo$o$, é?"),
        ("VALUES (1),(2)", "VALUES (?),(?)"),
        ("", ""),
    ],
)
def test_literals_and_comments_go(sql: str, shown: str) -> None:
    assert without_literals(sql) == shown


def test_a_head_is_short_and_empty_when_hidden() -> None:
    assert query_head(None) == "" and query_head("<insufficient privilege>") == ""
    long = query_head("SELECT " + ", ".join(f"column_{i}" for i in range(100)))
    assert len(long) <= HEAD and long.endswith("...")


SECRET = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20).map(
    lambda s: f"Zq{s}qZ"
)


@given(
    SECRET, st.sampled_from(["SELECT {}", "a={} AND b='c'", "f({}, 'x', $1)", "'y' || {} || $$z$$"]), st.integers(0, 60)
)
def test_no_string_survives_however_it_is_written_or_cut(secret: str, shape: str, cut: int) -> None:
    standard = "'" + secret.replace("'", "''") + "'"
    escaped = "E'" + secret.replace("\\", "\\\\").replace("'", "\\'") + "'"
    for literal in (standard, escaped, f"$Q${secret.replace('$Q$', '')}$Q$"):
        text = shape.format(literal) if "{" not in literal and "}" not in literal else shape.replace("{}", literal)
        assert "Zq" not in without_literals(text)
        assert "Zq" not in without_literals(text[:cut])
