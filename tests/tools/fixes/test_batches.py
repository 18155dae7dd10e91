"""Batches on the server: each row written once, also after a stop; programs that write meanwhile lose nothing."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from agentdb.tools.fixes.measure import MANY, blocked, seen, watch
from agentdb.tools.hazards.rewriting.batches import ROWS, by_key, by_page
from agentdb.tools.sandbox.databases import SandboxDatabase
from agentdb.tools.sandbox.run import run_script
from agentdb.tools.sandbox.server import SandboxServer
from tests.support.fixing import offered

COUNT = 2 * ROWS + 500
TABLE = f"""
CREATE TABLE t (a int, b text, n int NOT NULL DEFAULT 0, PRIMARY KEY (a, b));
INSERT INTO t SELECT i / 7, 'k' || i, 0 FROM generate_series(1, {COUNT}) AS i;
CREATE TABLE progress AS SELECT a, b FROM t WITH NO DATA;
CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'stopped'; END $$;
"""
UP = by_key("t", ["a", "b"], "UPDATE t SET n = n + 1\n    WHERE (true)", checkpoint="progress")


def counts(database: SandboxDatabase, query: str) -> list[tuple[Any, ...]]:
    with database.connect() as connection:
        return connection.execute(query.encode()).fetchall()


def test_a_stopped_block_goes_on_where_it_was(database: SandboxDatabase) -> None:
    with database.connect() as connection:
        connection.execute(TABLE.encode())
        connection.execute(
            f"CREATE TRIGGER stop BEFORE UPDATE ON t FOR EACH ROW WHEN (old.a > {ROWS // 7 + 20}) EXECUTE FUNCTION stop()".encode()
        )
        with pytest.raises(psycopg.errors.RaiseException):
            connection.execute(UP.encode())
        assert connection.execute(b"SELECT n, count(*) FROM t GROUP BY n ORDER BY n").fetchall() == [
            (0, COUNT - ROWS),
            (1, ROWS),
        ]
        connection.execute(b"DROP TRIGGER stop ON t")
        connection.execute(UP.encode())
        assert connection.execute(b"SELECT n, count(*) FROM t GROUP BY n").fetchall() == [(1, COUNT)]


@pytest.mark.parametrize("block", ["key", "page"])
def test_no_transaction_of_a_block_changes_many_rows(database: SandboxDatabase, block: str) -> None:
    write = "UPDATE t SET n = 5\n    WHERE n = 0"
    sql = by_key("t", ["a", "b"], write) if block == "key" else by_page("t", write)
    with database.connect() as connection:
        connection.execute(TABLE.encode())
        watch(connection, ["t"])
    run = run_script(database, f"{sql};", no_transaction=True)
    assert run.ok, run.error
    with database.connect() as connection:
        held = seen(connection)
    assert sum(h.rows["t"] for h in held) == COUNT
    assert max(h.rows["t"] for h in held) <= MANY
    assert all(h.modes["public.t"] <= {"ACCESS SHARE", "ROW EXCLUSIVE"} for h in held)
    assert blocked([run], held).long == frozenset()
    assert counts(database, "SELECT DISTINCT n FROM t") == [(5,)]


def test_what_is_written_between_the_files_of_a_type_change_is_not_lost(server: SandboxServer) -> None:
    setup = (
        "CREATE TABLE t (id int PRIMARY KEY, n integer); INSERT INTO t SELECT i, i FROM generate_series(1, 50) AS i;"
    )
    made = offered(server, setup, "ALTER TABLE t ALTER n TYPE numeric(12, 1);")
    assert len(made.files) == 3, made.hazards
    with server.create() as database:
        run_script(database, setup, trace=False)
        for number, draft in enumerate(made.files):
            run = run_script(database, draft.text, no_transaction=draft.no_transaction, trace=False)
            assert run.ok, run.error
            with database.connect() as connection:
                connection.execute(f"UPDATE t SET n = n + 1000 WHERE id = {number + 1}".encode())
                connection.execute(f"INSERT INTO t VALUES ({100 + number}, {number})".encode())
        rows: dict[int, Any] = dict(counts(database, "SELECT id, n FROM t WHERE id < 5 OR id > 50"))
    assert rows == {1: 1001, 2: 1002, 3: 1003, 4: 4, 100: 0, 101: 1, 102: 2}
