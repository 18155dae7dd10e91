"""What a snapshot with its fingerprint costs, as a ratio of wall time to `pg_dump --schema-only` of the same database.

A schema of 2,000 tables is made on the embedded PostgreSQL: identity and primary key, foreign key, two indexes,
defaults, comments; every fourth table has a check; 200 views, 300 functions, 100 triggers, 40 enums. Both read it over
a new connection each time, in turns, in one run; medians are printed. `python -m agentdb.bench.snapshot_bench [tables]
[runs]`, or as a file.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

from agentdb.tools.databases.postgres import connect
from agentdb.tools.sandbox import software
from agentdb.tools.sandbox.databases import SandboxDatabase
from agentdb.tools.sandbox.server import sandbox_server
from agentdb.tools.schema.fingerprint import fingerprint
from agentdb.tools.schema.snapshot import read_snapshot

SCHEMAS = 10


def statements(tables: int) -> Iterator[str]:
    """The schema, a few statements at a time."""
    yield "; ".join(f"CREATE SCHEMA app{s}" for s in range(SCHEMAS))
    yield "; ".join(f"CREATE TYPE app0.state{i} AS ENUM ('new', 'open', 'done', 'gone')" for i in range(40))
    for i in range(tables * 3 // 20):
        yield (
            f"CREATE FUNCTION app{i % SCHEMAS}.f{i}(a integer, b text DEFAULT 'x') RETURNS text LANGUAGE plpgsql STABLE AS"
            f" $$ BEGIN IF a > {i} THEN RETURN a::text || b; END IF; RETURN b; END $$;"
            f" COMMENT ON FUNCTION app{i % SCHEMAS}.f{i} IS 'What f{i} does'"
        )
    yield "CREATE FUNCTION app0.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.changed := now(); RETURN NEW; END $$"
    for i in range(tables):
        table, last = f"app{i % SCHEMAS}.t{i}", f"app{(i - 1) % SCHEMAS}.t{i - 1}"
        yield f"""
            CREATE TABLE {table} (
                id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                parent_id bigint {f"REFERENCES {last} ON DELETE CASCADE" if i else ""},
                name varchar(80) NOT NULL DEFAULT '',
                status varchar(20) NOT NULL DEFAULT 'new' {"CHECK (status IN ('new', 'open', 'done'))" if i % 4 == 0 else ""},
                state app0.state{i % 40} NOT NULL DEFAULT 'new',
                amount numeric(12, 2),
                data jsonb,
                created timestamptz NOT NULL DEFAULT now(),
                changed timestamptz
            );
            CREATE INDEX ON {table} (parent_id);
            CREATE INDEX ON {table} (status, created DESC);
            COMMENT ON TABLE {table} IS 'Table {i} of the benchmark';
            COMMENT ON COLUMN {table}.name IS 'What people call it'
        """
        if i % 20 == 0:
            yield f"CREATE TRIGGER touch BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION app0.touch()"
        if i % 10 == 1:
            yield (
                f"CREATE VIEW app{i % SCHEMAS}.v{i} AS SELECT a.id, a.name, b.status, count(*) AS n FROM {last} a"
                f" JOIN {table} b ON b.parent_id = a.id WHERE b.status IN ('new', 'open') GROUP BY a.id, a.name, b.status"
            )


def dump(database: SandboxDatabase) -> None:
    program = software.packaged() / "pginstall" / "bin" / "pg_dump"
    subprocess.run([program, "--schema-only", "-f", "/dev/null", database.dsn.reveal()], check=True)


def snapshot(database: SandboxDatabase) -> None:
    with connect(database.dsn) as conn:
        fingerprint(read_snapshot(conn))


def seconds(work: Callable[[SandboxDatabase], None], database: SandboxDatabase) -> float:
    started = time.perf_counter()
    work(database)
    return time.perf_counter() - started


def main(tables: int = 2000, runs: int = 9) -> None:
    with sandbox_server() as server, server.create() as database:
        with database.connect() as conn:
            for text in statements(tables):
                conn.execute(text.encode())
            conn.execute("ANALYZE")
        snapshot(database)  # what is imported and compiled the first time
        ours, theirs = [], []
        for _ in range(runs):
            theirs.append(seconds(dump, database))
            ours.append(seconds(snapshot, database))
    mine, other = statistics.median(ours), statistics.median(theirs)
    print(f"{tables} tables, {runs} runs each, median (fastest):")
    print(f"snapshot and fingerprint {mine * 1000:.0f} ms ({min(ours) * 1000:.0f})")
    print(f"pg_dump --schema-only    {other * 1000:.0f} ms ({min(theirs) * 1000:.0f})")
    print(f"ratio {mine / other:.2f} ({min(ours) / min(theirs):.2f})")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
