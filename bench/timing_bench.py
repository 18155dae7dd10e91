"""Whether what a statement really takes on a large table lies in the range that was reckoned beforehand.

A stand-in target with a table of 5,000,000 rows is made on the embedded PostgreSQL. For each case its schema alone is
copied into the sandbox, the statement is timed there on 5,000 and 50,000 synthetic rows, and the range for the target
is reckoned from its catalog. Then the statement is run on the target and rolled back.
`python bench/timing_bench.py [rows [words of a case's name]]`, some ten minutes for all; it needs 3 GB of disk.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from agentdb.tools.naming import checksum
from agentdb.tools.records import Migration
from agentdb.tools.sandbox.databases import SandboxDatabase
from agentdb.tools.sandbox.rehearsal import rehearse
from agentdb.tools.sandbox.server import SandboxServer, sandbox_server
from agentdb.tools.sandbox.timing.estimate import words

SCHEMA = """
CREATE TABLE customers (id bigserial PRIMARY KEY, email text NOT NULL, name text, created_at timestamptz NOT NULL);
CREATE TABLE orders (
    id bigserial PRIMARY KEY, customer_id bigint NOT NULL, amount int NOT NULL, state text NOT NULL,
    note text, placed_at timestamptz NOT NULL
);
CREATE INDEX orders_customer ON orders (customer_id);
CREATE INDEX orders_placed ON orders (placed_at);
"""
ROWS = """
INSERT INTO customers (email, name, created_at)
SELECT 'c' || i || '@example.org', 'Customer ' || i, timestamptz '2020-01-01' + i * interval '1 minute'
FROM generate_series(1, {tenth}) i;
INSERT INTO orders (customer_id, amount, state, note, placed_at)
SELECT 1 + (i::bigint * 7919) % {tenth}, i % 1000, (ARRAY['new', 'paid', 'sent', 'done'])[1 + i % 4],
       CASE WHEN i % 3 = 0 THEN 'a note for order ' || i END, timestamptz '2022-01-01' + i * interval '10 seconds'
FROM generate_series(1, {rows}) i;
"""
CASES = (  # name, what comes before on the target, the statement
    ("type change (rewrite)", "", "ALTER TABLE orders ALTER amount TYPE bigint;"),
    ("volatile default (rewrite)", "", "ALTER TABLE orders ADD token uuid DEFAULT gen_random_uuid();"),
    ("CREATE INDEX, int", "", "CREATE INDEX orders_amount ON orders (amount);"),
    ("CREATE INDEX, text", "", "CREATE INDEX orders_note ON orders (note);"),
    ("SET NOT NULL (scan)", "", "ALTER TABLE orders ALTER state SET NOT NULL;"),
    ("CHECK (scan)", "", "ALTER TABLE orders ADD CONSTRAINT positive CHECK (amount >= 0);"),
    (
        "VALIDATE FOREIGN KEY",
        "ALTER TABLE orders ADD CONSTRAINT fk FOREIGN KEY (customer_id) REFERENCES customers NOT VALID;",
        "ALTER TABLE orders VALIDATE CONSTRAINT fk;",
    ),
    ("UPDATE of every row", "", "UPDATE orders SET state = upper(state);"),
)


def main(rows: int, wanted: str = "") -> None:
    """Print one line a case."""
    cases = [case for case in CASES if wanted in case[0]]
    with sandbox_server() as server, server.create("target") as target:
        with target.connect() as connection:
            connection.execute(SCHEMA.encode())
            connection.execute(ROWS.format(rows=rows, tenth=rows // 10).encode())
            connection.execute(b"ALTER TABLE orders ALTER state DROP NOT NULL")
            connection.execute(b"VACUUM (ANALYZE) customers")
            connection.execute(b"VACUUM (ANALYZE) orders")
        print(f"{rows:,} rows, {server.version_text}\n")
        print(
            "| statement | reckoned | really | in the range | to reckon |\n| --- | --- | --- | --- | --- |", flush=True
        )
        inside = 0
        for name, first, sql in cases:
            with target.connect() as connection:
                connection.execute(first.encode() or b"SELECT 1")
            began = time.monotonic()
            low, high, basis = reckoned(server, target, sql)
            spent = time.monotonic() - began
            took = really(target, sql)
            inside += low <= took <= high
            print(
                f"| {name} | {words((low, high))} | {took:.1f} s | {'yes' if low <= took <= high else 'NO'} | {spent:.1f} s |"
            )
            print(f"  {low:.2f} .. {high:.2f}; {basis}", file=sys.stderr)
        print(f"\n{inside} of {len(cases)} in the range")


def reckoned(server: SandboxServer, target: SandboxDatabase, sql: str) -> tuple[float, float, str]:
    """The range for one statement, as `agentdb test --target` reckons it."""
    migration = Migration("001", "case", Path("001_case.sql"), sql, checksum(sql))
    with server.create() as database:
        found = rehearse(database, migration, target=target.dsn, server=server)
    assert found.timing is not None, found.run.error
    (work,) = found.timing.works
    assert work.seconds is not None, work.why
    return *work.seconds, work.basis


def really(target: SandboxDatabase, sql: str) -> float:
    """Seconds that the statement takes on the target; it is rolled back."""
    with target.connect() as connection:
        connection.execute(b"CHECKPOINT")
        connection.execute(b"BEGIN")
        began = time.monotonic()
        connection.execute(sql.encode())
        took = time.monotonic() - began
        connection.execute(b"ROLLBACK")
        return took


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000, " ".join(sys.argv[2:]))
