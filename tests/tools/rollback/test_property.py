"""Random schemas, rows and migrations: what a certificate says is checked by other means, and holds.

AGENTDB_PROPERTY_SECONDS: how long the examples may take on a machine with two cores (default 120); it decides how many
there are. AGENTDB_PROPERTY_SEED: another sequence of examples than the usual one, which is always the same.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from support import oracle, since
from support.random_migration import history

from agentdb.errors import RollbackError
from agentdb.tools.naming import checksum
from agentdb.tools.records import Migration
from agentdb.tools.rollback.rehearse import Rehearsed, rehearse
from agentdb.tools.sandbox.databases import SandboxDatabase
from agentdb.tools.sandbox.seed import seed as fill
from agentdb.tools.sandbox.server import SandboxServer
from agentdb.tools.sql.parse import parse

pytestmark = pytest.mark.slow

SECONDS = float(os.environ.get("AGENTDB_PROPERTY_SECONDS", "120"))
SECONDS_EACH = 2.0  # on two cores, proof and oracle
SEED = os.environ.get("AGENTDB_PROPERTY_SEED", "")
EXAMPLES = max(5, int(SECONDS / SECONDS_EACH))

seen: Counter[str] = Counter()


def running(database: SandboxDatabase, statements: Sequence[str]) -> list[str]:
    """Those of the statements that run, one after the other in one transaction that is given up."""
    kept = []
    with database.connect() as conn:
        conn.execute("BEGIN")
        for statement in statements:
            try:
                with conn.transaction():
                    conn.execute(statement.encode())
                    conn.execute("SET CONSTRAINTS ALL IMMEDIATE")
                kept.append(statement)
            except psycopg.Error:
                continue
        conn.execute("ROLLBACK")
    return kept


def carried(conn: psycopg.Connection[Any], done: Rehearsed) -> None:
    if done.draft.together:
        conn.execute(f"BEGIN;\n{done.capture_text}\n;{done.migration.sql};\nCOMMIT".encode())
        return
    conn.execute(f"BEGIN;\n{done.capture_text}\n;COMMIT".encode())
    if not done.migration.no_transaction:
        conn.execute(done.migration.sql.encode())
        return
    for parsed in parse(done.migration.sql).statements:
        conn.execute(parsed.statement.text.encode())


def whole_tables(conn: psycopg.Connection[Any]) -> dict[str, tuple[tuple[str, ...], Counter[oracle.Row]]]:
    """Rows by table, those of partitions with the table at the top."""
    found = {}
    for shape in since.shapes(conn).values():
        names = tuple(name for _, name in shape.columns.values())
        cells = ", ".join(f"{n}::text" for n in names)
        rows = conn.execute(f"SELECT {cells} FROM {shape.rows}".encode()).fetchall() if names else []
        found[shape.title] = (names, Counter(tuple(r) for r in rows))
    return found


def lies(server: SandboxServer, database: SandboxDatabase, done: Rehearsed) -> list[str]:
    """What the certificate says and is not so; [] for an honest one."""
    certificate = done.certificate
    if certificate.klass == "IMPOSSIBLE":
        return []
    before = oracle.contents(database)
    spared: dict[str, tuple[str, ...]] = {}
    for loss in certificate.losses:
        spared[_quoted(loss.table)] = tuple(_quoted(c) for c in loss.columns)
    if spared:
        partitions(database, spared)
    with server.clone(database) as copy:
        with copy.connect() as conn:
            carried(conn, done)
            conn.execute(f"BEGIN;\n{done.text}\n;COMMIT".encode())
        found: list[str] = oracle.differences(before, oracle.contents(copy), spared)
    if found or certificate.klass != "LOSSLESS":
        return found
    with server.clone(database) as copy, copy.connect() as conn:
        shapes, tables = since.shapes(conn), whole_tables(conn)
        carried(conn, done)
        written = since.write(conn, shapes)
        try:
            conn.execute(f"BEGIN;\n{done.text}\n;COMMIT".encode())
        except psycopg.Error as error:
            return [f"after writes the rollback fails: {error}"]
        now = oracle.schema(copy)
        found = [f"schema after writes: {e}" for e in [*(before.schema - now), *(now - before.schema)]]
        return found or since.lost(conn, written, tables, deleted_stay=done.draft.together)


def partitions(database: SandboxDatabase, spared: dict[str, tuple[str, ...]]) -> None:
    """A loss in a partitioned table is one in its partitions."""
    with database.connect() as conn:
        for table in list(spared):
            rows = conn.execute(
                "SELECT format('%%I.%%I', n.nspname, c.relname) FROM pg_partition_tree(%s::regclass) AS t"
                " JOIN pg_class AS c ON c.oid = t.relid JOIN pg_namespace AS n ON n.oid = c.relnamespace",
                (table,),
            ).fetchall()
            for (name,) in rows:
                spared[name] = spared[table]


def _quoted(name: str) -> str:
    """A name as the server quotes it; the certificate's own has none."""
    parts = name.split(".", 1)
    return ".".join(p if p.isidentifier() and p == p.lower() and p != "select" else f'"{p}"' for p in parts)


usual = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=not SEED,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
chosen: Any = seed(int(SEED)) if SEED else lambda test: test


def test_a_certificate_does_not_lie(server: SandboxServer) -> None:
    seen.clear()

    def holds(number: int) -> None:
        schema, wanted = history(number)
        alone = number % 7 == 0
        found = honest(server, schema, wanted, alone)
        if not found:
            return
        schema, wanted = reduced(server, schema, wanted, alone)
        found = honest(server, schema, wanted, alone) or found
        told = [f"example {number}", *found, "", *(f"{s};" for s in schema), "-- up:", *wanted]
        raise AssertionError("\n".join(told))

    every: Any = given(number=st.integers(0, 2**40))(holds)
    chosen(usual(every))()
    # The examples were worth their time: most are proven, few cannot be undone.
    assert seen["LOSSLESS"] >= EXAMPLES // 3, seen
    assert seen["IMPOSSIBLE"] + seen["IMPOSSIBLE (not proven)"] <= EXAMPLES // 5, seen


def honest(server: SandboxServer, schema: Sequence[str], wanted: Sequence[str], alone: bool) -> list[str]:
    """What the certificate of a drafted rollback says and is not so; [] for an honest one. alone: each statement of the
    migration commits by itself."""
    with server.create() as database:
        with database.connect() as conn:
            conn.execute(";".join(running(database, schema)).encode())
            fill(conn, rows=5)
        statements = running(database, wanted)
        if not statements:
            seen["nothing ran"] += 1
            return []
        up = ";\n".join(statements)
        try:
            head = {"agentdb": ("no-transaction",)} if alone else {}
            done = rehearse(server, database, Migration("005", "random", Path("x.sql"), up, checksum(up), head))
        except RollbackError as error:
            seen["does not run"] += 1
            return [] if "the migration itself fails" in error.what else [error.what]
        klass = f"{done.certificate.klass}{'' if done.certificate.proven else ' (not proven)'}"
        seen[klass] += 1
        found = lies(server, database, done)
        return [done.certificate.line, *found[:6], done.capture_text, done.text] if found else []


def reduced(
    server: SandboxServer, schema: Sequence[str], wanted: Sequence[str], alone: bool
) -> tuple[list[str], list[str]]:
    """The fewest statements of which the certificate still lies."""
    kept = [list(schema), list(wanted)]
    for part in (1, 0):
        for statement in list(kept[part]):
            fewer = [[s for s in x if s is not statement] if n == part else x for n, x in enumerate(kept)]
            if honest(server, fewer[0], fewer[1], alone):
                kept = fewer
    return kept[0], kept[1]
