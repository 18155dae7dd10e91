"""A column of ten million rows dropped: what a copy is told to cost and does cost, and how long setting it aside, and
taking that back, holds locks that stop anybody.

Times of locks are the transaction's own: clock_timestamp() right after the first lock, and before COMMIT, with the
COMMIT added. `python bench/set_aside_bench.py [rows] [rounds]`; ten million rows take some minutes and 2 GB of disk.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

from agentdb.tools.databases.copies import words
from agentdb.tools.databases.postgres import Connection
from agentdb.tools.naming import checksum
from agentdb.tools.records import Migration
from agentdb.tools.rollback.cost import calibrated, cost, span
from agentdb.tools.rollback.draft import draft
from agentdb.tools.rollback.setaside.make import SetAside, set_aside
from agentdb.tools.sandbox.server import SandboxServer, sandbox_server
from agentdb.tools.sql.parse import parse

SCHEMA = """
CREATE TABLE customers (id int PRIMARY KEY, name text);
CREATE TABLE orders (
    id bigint,
    customer_id int NOT NULL,
    status text NOT NULL DEFAULT 'new' CHECK (status IN ('new', 'paid', 'sent')),
    number int NOT NULL,
    note text);
"""
FILL = """
INSERT INTO customers SELECT g, 'customer ' || g FROM generate_series(1, 1000) AS g;
INSERT INTO orders SELECT g, 1 + g % 1000, 'paid', g % 7, CASE WHEN g % 5 > 0 THEN md5(g::text) END
FROM generate_series(1, {rows}) AS g;
ALTER TABLE orders ADD PRIMARY KEY (id), ADD FOREIGN KEY (customer_id) REFERENCES customers;
CREATE INDEX orders_note ON orders (note) WHERE note LIKE '0%';
"""
CASES = {
    "a plain column": "ALTER TABLE orders DROP COLUMN note;",
    "a NOT NULL column without a default": "ALTER TABLE orders DROP COLUMN number;",
    "a column with a foreign key": "ALTER TABLE orders DROP COLUMN customer_id;",
    "the table": "DROP TABLE orders;",
}


def migration(sql: str) -> Migration:
    return Migration("014", "drop", Path("014_drop.sql"), sql, checksum(sql))


def held(conn: Connection, statements: list[str], table: str) -> float:
    """Milliseconds from the first lock on the table to the end of the COMMIT."""
    conn.execute("BEGIN")
    conn.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE".encode())
    row = conn.execute("SELECT clock_timestamp()").fetchone()
    for statement in statements:
        conn.execute(statement.encode())
    end = conn.execute("SELECT clock_timestamp()").fetchone()
    began = time.perf_counter()
    conn.execute("COMMIT")
    assert row and end
    return float((end[0] - row[0]).total_seconds() * 1000 + (time.perf_counter() - began) * 1000)


def texts(sql: str) -> list[str]:
    return [p.statement.text for p in parse(sql).statements]


def copying(conn: Connection, server: SandboxServer, small: object) -> None:
    """The copy of a dropped column: told, then made."""
    found = draft(server, small, migration(CASES["a plain column"]))  # type: ignore[arg-type]
    told = cost(conn, found.capture_sql, calibrated(server))
    assert told.seconds and told.rows is not None
    print(f"told:  {told.rows:,} rows, {words(told.low)} to {words(told.high)}, {span(told.seconds)}", end="")
    print(
        f" ({told.seconds[0]:.1f} s to {told.seconds[1]:.1f} s), lock {told.locks[0].mode} on {told.locks[0].relations}"
    )
    for line in told.assumptions:
        print(f"       {line}")
    conn.execute("BEGIN")
    began = time.perf_counter()
    for statement in texts(found.capture_sql):
        conn.execute(statement.encode())
    seconds = time.perf_counter() - began
    name = told.tables[0].copy.archive
    row = conn.execute(
        f"SELECT pg_relation_size('agentdb_archive.{name}'), count(*) FROM agentdb_archive.{name}".encode()
    )
    size, rows = row.fetchone() or (0, 0)
    conn.execute("ROLLBACK")
    print(f"made:  {rows:,} rows, {words(size)}, {seconds:.1f} s; told/made: bytes {told.low / size:.3f}")


def setting_aside(conn: Connection, made: SetAside, title: str, rounds: int) -> None:
    """Up and down again, several times; then what the way back does after the moment that stops anybody."""
    aside = made.asides[0]
    place = f"agentdb_archive.{aside.now}" if aside.kind == "table" else "public.orders"
    there, back = [], []
    for _ in range(rounds):
        files = conn.execute("SELECT pg_relation_filenode('orders')").fetchone()
        there.append(held(conn, texts(made.migration.sql), "public.orders"))
        now = conn.execute("SELECT pg_relation_filenode(%s)", (place,)).fetchone()
        assert files == now, "the table was rewritten"
        down = texts(made.text)
        cut = next((n for n, s in enumerate(down) if "DELETE FROM agentdb_archive.set_aside" in s), len(down) - 1) + 1
        first = [s for s in down[:cut] if "substr(said, 3)" not in s]
        looks = [s for s in down[:cut] if "substr(said, 3)" in s]
        began = time.perf_counter()
        for statement in looks:
            conn.execute(statement.encode())
        looked = time.perf_counter() - began
        back.append(held(conn, first, place))
        later = []
        for statement in down[cut:]:
            began = time.perf_counter()
            conn.execute(statement.encode())
            later.append(f"{' '.join(statement.split()[3:5])} {(time.perf_counter() - began) * 1000:.0f} ms")
        assert conn.execute("SELECT pg_relation_filenode('orders')").fetchone() == files
    print(f"{title}: locks held  {_range(there)}; way back  {_range(back)}  ({made.certificate.klass.value})")
    if looks:
        print(f"    before it, reading under ACCESS SHARE: {looked:.1f} s")
    if later:
        print(f"    after it, each by itself: {'; '.join(later)}")


def _range(times: list[float]) -> str:
    return f"median {statistics.median(times):.1f} ms, most {max(times):.1f} ms"


def main(rows: int, rounds: int) -> None:
    with sandbox_server() as server, server.create() as small, server.create() as large:
        with small.connect() as conn:
            conn.execute(SCHEMA.encode())
            conn.execute(FILL.format(rows=40).encode())
        with large.connect() as conn:
            began = time.perf_counter()
            conn.execute(SCHEMA.encode())
            conn.execute(FILL.format(rows=rows).encode())
            conn.execute("VACUUM ANALYZE orders")
            row = conn.execute("SELECT pg_table_size('orders')").fetchone()
            print(f"{server.version_text}, orders: {rows:,} rows, {words(row[0] if row else 0)},", end=" ")
            print(f"filled in {time.perf_counter() - began:.0f} s")
            copying(conn, server, small)
            for title, sql in CASES.items():
                setting_aside(conn, set_aside(server, small, migration(sql)), title, rounds)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000, int(sys.argv[2]) if len(sys.argv) > 2 else 5)
