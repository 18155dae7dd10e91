"""Queries as a target's pg_stat_statements keeps them: normalised, counted, and never run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.own_server import own_server

from agentdb.tools.appcompat import corpus
from agentdb.tools.appcompat.model import Corpus, Query
from agentdb.tools.sandbox.server import SandboxServer

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def production() -> Iterator[SandboxServer]:
    with own_server({"shared_preload_libraries": "pg_stat_statements"}) as found:
        yield found


def test_what_a_target_counts(production: SandboxServer) -> None:
    with production.create() as database, database.connect() as conn:
        assert corpus.from_target(conn) == Corpus()  # the extension is not there
        conn.execute("CREATE SCHEMA watch; CREATE EXTENSION pg_stat_statements SCHEMA watch")
        conn.execute("CREATE TABLE orders (id int, note text)")
        conn.execute("SELECT watch.pg_stat_statements_reset()")
        for number in range(3):
            conn.execute(f"SELECT note FROM orders WHERE id = {number}")
        conn.execute("INSERT INTO orders VALUES (1, 'secret')")
        conn.execute("SELECT count(*) FROM pg_class")
        conn.execute("CREATE TABLE other (id int)")
        found = corpus.from_target(conn)
        assert [(q.text, q.title) for q in found.queries] == [
            ("SELECT note FROM orders WHERE id = $1", "pg_stat_statements (3 calls)"),
            ("INSERT INTO orders VALUES ($1, $2)", "pg_stat_statements (1 call)"),
        ]
        assert found.left_out == ()
        assert conn.execute("SELECT count(*) FROM orders").fetchone() == (1,)


def test_a_file_and_the_target_are_one_query() -> None:
    file = Corpus((Query("SELECT 1 FROM a", "q.sql:1"),), (("x", "y"),))
    target = Corpus(
        (Query("SELECT 1  FROM a", "pg_stat_statements", 7), Query("SELECT 2 FROM a", "pg_stat_statements", 1))
    )
    found = corpus.together([file, target])
    assert [q.title for q in found.queries] == ["q.sql:1 (7 calls)", "pg_stat_statements (1 call)"]
    assert found.left_out == (("x", "y"),)
