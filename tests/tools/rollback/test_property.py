"""Random schemas, rows and migrations: a certificate that says LOSSLESS is checked by other means, and holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from agentdb.errors import RollbackError
from agentdb.tools.naming import checksum
from agentdb.tools.records import Migration
from agentdb.tools.rollback.rehearse import rehearse
from agentdb.tools.sandbox.databases import SandboxDatabase
from agentdb.tools.sandbox.seed import seed
from agentdb.tools.sandbox.server import SandboxServer

TYPES = (
    "integer",
    "bigint",
    "text",
    "varchar(30)",
    "numeric(8, 2)",
    "boolean",
    "date",
    "jsonb",
    "uuid",
    "text[]",
    "mood",
)
TABLES = ("alpha", "beta", "gamma")
COLUMNS = ("a", "b", "c")


@st.composite
def schemas(draw: st.DrawFn) -> str:
    parts = ["CREATE TYPE mood AS ENUM ('calm', 'busy', 'done')"]
    for number, table in enumerate(TABLES):
        key = draw(
            st.sampled_from(("id serial PRIMARY KEY", "id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "id int"))
        )
        columns = [f"{c} {draw(st.sampled_from(TYPES))}" for c in COLUMNS]
        if number and draw(st.booleans()) and "PRIMARY" in parts[number]:
            columns.append(f"parent bigint REFERENCES {TABLES[number - 1]}")
        parts.append(f"CREATE TABLE {table} ({key}, {', '.join(columns)})")
    if draw(st.booleans()):
        parts.append("CREATE VIEW seen AS SELECT id, a FROM alpha")
    if draw(st.booleans()):
        parts.append("CREATE INDEX beta_b ON beta (b)")
    return ";\n".join(parts)


@st.composite
def migrations(draw: st.DrawFn) -> str:
    table, other = st.sampled_from(TABLES), st.sampled_from(COLUMNS)
    type_name = st.sampled_from(TYPES)
    one = st.one_of(
        st.builds("ALTER TABLE {} DROP COLUMN {} CASCADE".format, table, other),
        st.builds("ALTER TABLE {} ADD COLUMN d {}".format, table, type_name),
        st.builds("ALTER TABLE {0} ALTER COLUMN {1} TYPE text USING {1}::text".format, table, other),
        st.builds("ALTER TABLE {} RENAME COLUMN {} TO renamed".format, table, other),
        st.builds("ALTER TABLE {} RENAME TO renamed".format, table),
        st.builds("DROP TABLE {} CASCADE".format, table),
        st.builds("UPDATE {} SET {} = NULL".format, table, other),
        st.builds("DELETE FROM {} WHERE id > 2".format, table),
        st.builds("TRUNCATE {} CASCADE".format, table),
        st.builds("INSERT INTO {} DEFAULT VALUES".format, table),
        st.builds("DO $$ BEGIN UPDATE {} SET {} = NULL WHERE id = 1; END $$".format, table, other),
        st.builds("CREATE TABLE copied AS SELECT * FROM {}".format, table),
        st.builds("CREATE INDEX fresh ON {} (id)".format, table),
        st.just("ALTER TYPE mood ADD VALUE 'late'"),
        st.just("ALTER TYPE mood RENAME VALUE 'busy' TO 'hectic'"),
        st.just("DROP VIEW IF EXISTS seen"),
    )
    return ";\n".join(draw(st.lists(one, min_size=1, max_size=4)))


def contents(database: SandboxDatabase) -> dict[str, list[Any]]:
    """Every table's definition and rows, told by nothing of what the proof uses."""
    found: dict[str, list[Any]] = {}
    with database.connect() as conn:
        for table in TABLES:
            columns = conn.execute(
                "SELECT column_name, data_type, udt_name, is_nullable, column_default, identity_generation"
                " FROM information_schema.columns WHERE table_name = %s AND table_schema = 'public' ORDER BY 1",
                (table,),
            ).fetchall()
            keys = conn.execute(
                "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass ORDER BY 1",
                (table,),
            ).fetchall()
            rows = [r for (r,) in conn.execute(f"SELECT to_jsonb(t) FROM {table} AS t".encode()).fetchall()]
            found[table] = [columns, keys, sorted(json.dumps(r, sort_keys=True) for r in rows)]
        found["others"] = conn.execute(
            "SELECT relkind::text, relname FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1, 2"
        ).fetchall()
    return found


@settings(max_examples=12, deadline=None, derandomize=True, phases=[Phase.generate],
          suppress_health_check=list(HealthCheck))  # fmt: skip
@given(schema=schemas(), up=migrations())
def test_a_certificate_does_not_lie(server: SandboxServer, schema: str, up: str) -> None:
    migration = Migration("005", "random", Path("005_random.sql"), up, checksum(up))
    with server.create() as database:
        with database.connect() as conn:
            conn.execute(schema.encode())
            seed(conn, rows=4)
        before = contents(database)
        try:
            done = rehearse(server, database, migration)
        except RollbackError as error:
            assert "the migration itself fails" in error.what
            return
        assert contents(database) == before
        with database.connect() as conn:
            conn.execute(f"BEGIN;\n{done.capture_text}\n;{up};\nCOMMIT".encode())
            conn.execute(f"BEGIN;\n{done.text}\n;COMMIT".encode())
        if done.certificate.klass in ("LOSSLESS", "SCHEMA_ONLY"):
            assert contents(database) == before, done.certificate.line + "\n" + up + "\n" + done.text
        if done.certificate.klass == "IMPOSSIBLE":
            raise AssertionError(f"{done.certificate.line}\n{schema}\n{up}\n{done.text}")
