"""A snapshot holds every object, printed the same way whoever asks, and reads without leaving a trace."""

from __future__ import annotations

import contextlib
import re
import subprocess
import threading
from pathlib import Path

import pytest
from psycopg.rows import dict_row, tuple_row

from agentdb.errors import DatabaseError
from agentdb.tools.databases.postgres import Connection, connect
from agentdb.tools.sandbox import software
from agentdb.tools.sandbox.databases import SandboxDatabase
from agentdb.tools.sandbox.server import SandboxServer
from agentdb.tools.schema import snapshot as module
from agentdb.tools.schema.canonical import canonical
from agentdb.tools.schema.diff import diff, significant
from agentdb.tools.schema.fingerprint import fingerprint
from agentdb.tools.schema.model import ObjectId, Snapshot
from agentdb.tools.schema.session import query, reading
from agentdb.tools.schema.snapshot import read_snapshot

QUERIES = sorted(Path(module.__file__).parents[1].glob("databases/sql/postgres/snapshot_*.sql"))
TABLE = module.__doc__ or ""


def test_the_fixture_has_every_kind_that_the_table_lists(all_kinds: Snapshot) -> None:
    table = TABLE.split("kind                 properties", 1)[1].split("\nSoft properties", 1)[0]
    listed = {k for line in table.splitlines() if line[:1].strip() for k in re.findall(r"[a-z_]{4,}", line)}
    there = {o.id.kind for o in all_kinds}
    assert there <= listed
    assert len(there) == 41, "subscription and language need more than a database of one's own"


def test_every_property_stands_in_the_table(all_kinds: Snapshot) -> None:
    names = {(o.id.kind, name) for o in all_kinds for name in o.properties}
    assert [n for n in sorted(names) if not re.search(rf"\b{n[1]}\b", TABLE)] == []


def test_no_property_is_empty(all_kinds: Snapshot) -> None:
    empty = [
        (str(o.id), k) for o in all_kinds for k, v in o.properties.items() if v is None or v is False or v in ("", {})
    ]
    assert empty == []


def test_no_oid_is_in_a_property(kinds: Connection, all_kinds: Snapshot) -> None:
    rows = kinds.execute("SELECT oid FROM pg_class WHERE relnamespace = 'app'::regnamespace").fetchall()
    text = str([dict(o.properties) for o in all_kinds])
    assert [oid for (oid,) in rows if re.search(rf"\b{oid}\b", text)] == []


def test_secrets_are_left_out(all_kinds: Snapshot) -> None:
    text = str([dict(o.properties) for o in all_kinds])
    assert "hidden" not in text and "api_token" not in text and "debug 'true'" in text


def test_what_is_put_together_reads_as_the_server_prints_it(kinds: Connection, all_kinds: Snapshot) -> None:
    with reading(kinds):
        indexes = kinds.execute(
            "SELECT n.nspname, c.relname, pg_get_indexdef(c.oid) FROM pg_class c JOIN pg_namespace n"
            " ON n.oid = c.relnamespace WHERE c.relkind IN ('i', 'I') AND n.nspname IN ('app', 'Odd Names')"
        ).fetchall()
        constraints = kinds.execute(
            "SELECT n.nspname, c.relname, k.conname, pg_get_constraintdef(k.oid) FROM pg_constraint k"
            " JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE k.contype NOT IN ('n', 't') AND n.nspname IN ('app', 'Odd Names')"
            " AND NOT EXISTS (SELECT FROM pg_constraint p WHERE p.oid = k.conparentid AND p.conrelid = k.conrelid)"
        ).fetchall()
    printed = {(s, n): canonical(d) for s, n, d in indexes}
    assert printed == {(o.id.schema, o.id.name): o.properties["definition"] for o in all_kinds.of("index")}
    shown = {(s, t, n): canonical(d) for s, t, n, d in constraints}
    assert shown == {tuple(o.id[1:]): o.properties["definition"] for o in all_kinds.of("constraint")}


def test_a_dump_and_restore_changes_nothing(
    server: SandboxServer, every_kind: SandboxDatabase, all_kinds: Snapshot, tmp_path: Path
) -> None:
    programs, script = software.packaged() / "pginstall" / "bin", str(tmp_path / "dump.sql")
    with server.create() as copy:
        subprocess.run([programs / "pg_dump", "-f", script, every_kind.dsn.reveal()], check=True)
        restore: list[str | Path] = [programs / "psql", "-qX", "-v", "ON_ERROR_STOP=1", "-f", script, copy.dsn.reveal()]
        subprocess.run(restore, check=True, capture_output=True)
        with copy.connect() as conn:
            restored = read_snapshot(conn)
    assert [c.line for c in significant(diff(all_kinds, restored))] == []
    assert fingerprint(all_kinds) == fingerprint(restored)


def test_what_the_session_has_set_does_not_show(every_kind: SandboxDatabase, all_kinds: Snapshot) -> None:
    with every_kind.connect(
        search_path="app,public", DateStyle="German, DMY", IntervalStyle="iso_8601", quote_all_identifiers="on",
        extra_float_digits="-3", TimeZone="America/New_York", bytea_output="escape", default_transaction_isolation="serializable",
    ) as conn:  # fmt: skip
        assert diff(all_kinds, read_snapshot(conn)) == ()
        row = conn.execute("SELECT current_setting('search_path'), current_setting('quote_all_identifiers')").fetchone()
    assert row == ("app,public", "on")


def test_a_role_without_any_right_reads_the_same(kinds: Connection, all_kinds: Snapshot) -> None:
    with kinds.transaction(force_rollback=True):
        kinds.execute("SET LOCAL ROLE kind_poor")
        with pytest.raises(Exception, match="permission denied"), kinds.transaction():
            kinds.execute("SELECT FROM app.customers")
        found = read_snapshot(kinds)
    hidden = {o.id for o in all_kinds.of("user_mapping")}
    assert {c.id for c in diff(all_kinds, found)} <= hidden


def test_reading_again_gives_the_same(kinds: Connection, all_kinds: Snapshot) -> None:
    for _ in range(5):
        again = read_snapshot(kinds)
        assert again == all_kinds and fingerprint(again) == fingerprint(all_kinds)


def test_reading_leaves_the_session_as_it_was(database: SandboxDatabase) -> None:
    with database.connect() as conn:
        conn.autocommit = False
        conn.row_factory = dict_row  # type: ignore[assignment]
        read_snapshot(conn)
        conn.row_factory = tuple_row
        assert conn.autocommit is False and conn.info.transaction_status.name == "IDLE"
        conn.execute("CREATE TABLE mine (id integer)")
        assert ObjectId("table", "public", "", "mine") in read_snapshot(conn).objects
        conn.execute("SET LOCAL work_mem = '7MB'")
        read_snapshot(conn)
        assert conn.execute("SHOW work_mem").fetchone() == ("7MB",)
        conn.rollback()
        assert ObjectId("table", "public", "", "mine") not in read_snapshot(conn).objects


def test_a_schema_that_changes_meanwhile_is_read_anew(database: SandboxDatabase) -> None:
    with database.connect() as conn, database.connect(client_min_messages="error") as other:
        before = read_snapshot(conn)
        done = threading.Event()

        def busy() -> None:
            while not done.is_set():
                other.execute(
                    "CREATE TABLE t (a integer DEFAULT 1, b integer GENERATED ALWAYS AS (a + 1) STORED CHECK (b > 0));"
                    "CREATE VIEW v AS SELECT * FROM t; CREATE INDEX i ON t ((a + 1)) WHERE a > 0;"
                    "CREATE POLICY p ON t USING (a > 1); CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1'"
                )
                other.execute("DROP TABLE t CASCADE; DROP FUNCTION f()")

        worker = threading.Thread(target=busy)
        worker.start()
        try:
            for _ in range(15):
                with contextlib.suppress(DatabaseError):  # too busy even for five attempts
                    found = diff(before, read_snapshot(conn))
                    assert len(found) in (0, 10) and "None" not in str(found)
        finally:
            done.set()
            worker.join()
        assert diff(before, read_snapshot(conn)) == ()


def test_reading_cannot_write(database: SandboxDatabase) -> None:
    with database.connect() as conn, reading(conn), pytest.raises(Exception, match="read-only transaction"):
        conn.execute("CREATE TABLE t (id integer)")


def test_ignored_and_temporary_schemas_are_not_listed(database: SandboxDatabase) -> None:
    with database.connect() as conn:
        conn.execute("CREATE SCHEMA agentdb; CREATE TABLE agentdb.history (id integer)")
        conn.execute("CREATE SCHEMA other; CREATE TABLE other.t (id integer); CREATE TEMP TABLE passing (id integer)")
        assert {o.id.schema or o.id.name for o in read_snapshot(conn)} == {"public", "other", "plpgsql"}
        assert {o.id.name for o in read_snapshot(conn, ignore_schemas=("other",)).of("table")} == {"history"}


def test_a_temporary_table_hides_no_type(database: SandboxDatabase) -> None:
    with database.connect() as conn:
        conn.execute("CREATE TABLE t (id integer, note text)")
        before = read_snapshot(conn)
        conn.execute("CREATE TEMP TABLE text (a integer); CREATE TEMP TABLE pg_class (a integer)")
        assert diff(before, read_snapshot(conn)) == ()


def test_a_database_without_an_encoding_is_read(server: SandboxServer) -> None:
    with server.create() as made, made.connect() as admin:
        name = f"{made.name}_ascii"
        admin.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING SQL_ASCII LOCALE 'C'".encode())
        try:
            with connect(made.dsn.with_database(name)) as conn:
                conn.execute("CREATE TABLE t (id integer); COMMENT ON TABLE t IS 'x'")
                assert read_snapshot(conn).objects[ObjectId("table", "public", "", "t")].properties["comment"] == "x"
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.mark.parametrize(("id", "needed"), [
    (ObjectId("view", "app", "", "joined"), ObjectId("function", "app", "", "total(integer)")),
    (ObjectId("view", "app", "", "joined"), ObjectId("column", "app", "customers", "feeling")),
    (ObjectId("column", "app", "orders", "id"), ObjectId("sequence", "app", "", "orders_id_seq")),
    (ObjectId("column", "app", "customers", "feeling"), ObjectId("enum", "app", "", "mood")),
    (ObjectId("column", "app", "customers", "email"), ObjectId("extension", "", "", "citext")),
    (ObjectId("column", "app", "customers", "upper_name"), ObjectId("column", "app", "customers", "name")),
    (ObjectId("constraint", "app", "orders", "trusted"), ObjectId("index", "app", "customers", "customers_pkey")),
    (ObjectId("index", "app", "customers", "customers_pkey"), ObjectId("constraint", "app", "customers", "customers_pkey")),
    (ObjectId("index", "app", "customers", "customers_lower"), ObjectId("column", "app", "customers", "name")),
    (ObjectId("trigger", "app", "customers", "touch"), ObjectId("function", "app", "", "touch()")),
    (ObjectId("policy", "app", "customers", "everybody"), ObjectId("column", "app", "orders", "customer_id")),
    (ObjectId("publication", "", "", "chosen"), ObjectId("table", "app", "", "orders")),
    (ObjectId("table", "app", "", "events_2024"), ObjectId("table", "app", "", "events")),
    (ObjectId("table", "app", "", "homes"), ObjectId("composite", "app", "", "address")),
    (ObjectId("operator_class", "app", "", "int_by_value USING btree"), ObjectId("operator_family", "app", "", "int_by_value USING btree")),
    (ObjectId("domain_constraint", "app", "percent", "no_secret_number"), None),
    (ObjectId("sequence", "app", "", "orders_id_seq"), None),
], ids=str)  # fmt: skip
def test_an_object_names_what_it_needs(all_kinds: Snapshot, id: ObjectId, needed: ObjectId | None) -> None:
    depends = all_kinds.objects[id].depends
    assert (needed in depends) if needed else depends == ()


def test_what_is_needed_is_there(all_kinds: Snapshot) -> None:
    assert [str(d) for o in all_kinds for d in o.depends if d not in all_kinds.objects] == []


@pytest.mark.parametrize("path", QUERIES, ids=lambda p: p.stem)
@pytest.mark.parametrize("major", range(13, 19))
def test_queries_are_sql_for_every_version(path: Path, major: int) -> None:
    from agentdb.tools.sql import grammar

    text = query(path.stem, major).replace("%%", "%")
    assert len(grammar.raw_statements(re.sub(r"%\((\w+)\)s", "$1", text))) == 1


def test_lines_are_kept_by_version() -> None:
    assert "conenforced" in query("snapshot_constraints", 18) and "conenforced" not in query("snapshot_constraints", 17)
    assert "attcompression" in query("snapshot_columns", 14) and "attcompression" not in query("snapshot_columns", 13)
