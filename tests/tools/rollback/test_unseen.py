"""What neither the schema nor the rows of tables show: positions of sequences, large objects, settings, and scripts
that reach out of the sandbox."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentdb.errors import RollbackError
from agentdb.tools.naming import checksum
from agentdb.tools.records import Certificate, Migration
from agentdb.tools.rollback.proof import prove
from agentdb.tools.rollback.rehearse import Rehearsed, rehearse
from agentdb.tools.sandbox.databases import SandboxDatabase
from agentdb.tools.sandbox.server import SandboxServer

SCHEMA = """
CREATE TABLE items (id serial PRIMARY KEY, name text);
INSERT INTO items (name) SELECT 'item ' || n FROM generate_series(1, 5) n;
CREATE SEQUENCE countdown INCREMENT -1;
SELECT nextval('countdown') FROM generate_series(1, 3);
"""


@pytest.fixture
def items(database: SandboxDatabase) -> SandboxDatabase:
    with database.connect() as conn:
        conn.execute(SCHEMA.encode())
    return database


def migration(up: str) -> Migration:
    return Migration("004", "items", Path("004_items.sql"), up, checksum(up))


def drafted(server: SandboxServer, items: SandboxDatabase, up: str) -> Rehearsed:
    """The rollback, with the migration and its capture run for good."""
    done = rehearse(server, items, migration(up))
    with items.connect() as conn:
        conn.execute(f"BEGIN; {done.capture_text}; {up}; COMMIT".encode())
    return done


def certified(server: SandboxServer, items: SandboxDatabase, up: str, down: str) -> Certificate:
    return prove(server, items, migration(up), down)


@pytest.mark.parametrize(
    "up", ["TRUNCATE items RESTART IDENTITY", "DELETE FROM items; SELECT setval('items_id_seq', 1, false)"]
)
def test_a_sequence_that_was_set_back_goes_on_where_it_stood(
    server: SandboxServer, items: SandboxDatabase, up: str
) -> None:
    done = drafted(server, items, f"{up}; ALTER SEQUENCE countdown RESTART")
    assert done.certificate.klass == "LOSSLESS"
    with items.connect() as conn:
        conn.execute(done.text.encode())
        assert conn.execute("INSERT INTO items (name) VALUES ('next') RETURNING id").fetchall() == [(6,)]
        assert conn.execute("SELECT nextval('countdown')").fetchall() == [(-4,)]


def test_a_sequence_that_stays_set_back_is_a_loss(server: SandboxServer, items: SandboxDatabase) -> None:
    found = certified(server, items, "ALTER SEQUENCE items_id_seq RESTART", "SELECT 1")
    assert (found.klass, [x.table for x in found.losses]) == ("LOSSY", ["public.items_id_seq"])
    assert "stands at" in found.losses[0].why


def test_keys_that_come_back_leave_those_of_later_rows_alone(server: SandboxServer, items: SandboxDatabase) -> None:
    done = drafted(server, items, "ALTER TABLE items DROP COLUMN id")
    with items.connect() as conn:
        conn.execute(b"DELETE FROM items WHERE name = 'item 2'; INSERT INTO items VALUES ('new 1'), ('new 2')")
        conn.execute(done.text.encode())
        found = conn.execute("SELECT id, name FROM items ORDER BY id").fetchall()
    assert found[:4] == [(1, "item 1"), (3, "item 3"), (4, "item 4"), (5, "item 5")]
    assert [name for _, name in found[4:]] == ["new 1", "new 2"]


def test_a_large_object_that_stays_is_a_loss(server: SandboxServer, items: SandboxDatabase) -> None:
    found = certified(server, items, "SELECT lo_from_bytea(0, 'abc')", "SELECT 1")
    assert (found.klass, [x.table for x in found.losses]) == ("LOSSY", ["pg_catalog.pg_largeobject"])
    undone = certified(server, items, "SELECT lo_from_bytea(77, 'abc')", "SELECT lo_unlink(77)")
    assert undone.klass == "LOSSLESS"


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("ALTER DATABASE %I SET work_mem = ''5MB''", "pg_catalog.pg_db_role_setting"),
        ("COMMENT ON DATABASE %I IS ''other''", "pg_catalog.pg_database"),
        ("REVOKE CONNECT ON DATABASE %I FROM PUBLIC", "pg_catalog.pg_database"),
    ],
)
def test_what_stays_with_the_database_is_a_loss(
    server: SandboxServer, items: SandboxDatabase, statement: str, named: str
) -> None:
    up = f"DO $$ BEGIN EXECUTE format('{statement}', current_database()); END $$"
    found = certified(server, items, up, "SELECT 1")
    assert (found.klass, [x.table for x in found.losses]) == ("LOSSY", [named])


def test_what_the_sandbox_passes_over_is_not_proven(server: SandboxServer, items: SandboxDatabase) -> None:
    up = "ALTER ROLE postgres SET geqo_seed = 0.125; CREATE VIEW v AS SELECT 1 AS one"
    found = certified(server, items, up, "DROP VIEW v; ALTER ROLE postgres RESET geqo_seed")
    assert (found.klass, found.proven) == ("SCHEMA_ONLY", False)
    assert "roles belong to the whole server" in found.reason
    with items.connect() as conn:
        told = conn.execute("SELECT count(*) FROM pg_db_role_setting WHERE 'geqo_seed=0.125' = ANY (setconfig)")
        assert told.fetchall() == [(0,)]


@pytest.mark.parametrize(
    "down",
    [
        "DROP VIEW v; COPY items TO PROGRAM 'cat > {file}'",
        "DROP VIEW v; COPY items TO '{file}'",
        "DROP VIEW v; SELECT lo_export(lo_from_bytea(0, 'abc'), '{file}')",
        "DROP VIEW v; DO $$ BEGIN COPY items TO '{file}'; END $$",
    ],
)
def test_a_rollback_that_reaches_out_is_not_run(
    server: SandboxServer, items: SandboxDatabase, tmp_path: Path, down: str
) -> None:
    file = tmp_path / "out"
    tmp_path.chmod(0o777)
    found = certified(server, items, "CREATE VIEW v AS SELECT 1 AS one", down.format(file=file))
    assert (found.klass, found.proven) == ("IMPOSSIBLE", False)
    assert "not run in the sandbox" in found.reason
    assert not file.exists()


def test_a_column_with_a_name_of_ours_is_told(server: SandboxServer, items: SandboxDatabase) -> None:
    with items.connect() as conn:
        conn.execute("ALTER TABLE items ADD COLUMN agentdb_what text")
    with pytest.raises(RollbackError, match="public.items has a column named agentdb_what"):
        rehearse(server, items, migration("DELETE FROM items WHERE id = 1"))
