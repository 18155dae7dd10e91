"""Drops written so that nothing is copied: what they become, what an application sees, and the way back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from agentdb.errors import RollbackError
from agentdb.tools.naming import checksum
from agentdb.tools.records import Migration
from agentdb.tools.rollback.proof import prove
from agentdb.tools.rollback.setaside.make import SetAside, set_aside
from agentdb.tools.sandbox.databases import SandboxDatabase
from agentdb.tools.sandbox.server import SandboxServer
from agentdb.tools.schema.fingerprint import fingerprint
from agentdb.tools.schema.snapshot import read_snapshot

pytestmark = pytest.mark.slow

BASE = Path(__file__).parents[3] / "support" / "rollback_base.sql"
MORE = """
CREATE TABLE members (id int PRIMARY KEY, email text, left_at date, house int, room int, UNIQUE (house, room),
    CHECK (email IS NOT NULL OR left_at IS NOT NULL));
CREATE UNIQUE INDEX members_email ON members (email) WHERE left_at IS NULL;
CREATE TABLE docs (id int PRIMARY KEY, code int, UNIQUE NULLS NOT DISTINCT (code));
INSERT INTO docs VALUES (1, 1), (2, 2);
INSERT INTO members VALUES (1, 'a@b', NULL, 1, 1), (2, 'c@d', '2024-01-01', 1, 2), (3, NULL, '2024-01-02', 2, 1);
"""


@pytest.fixture(scope="module")
def shop(server: SandboxServer) -> Iterator[SandboxDatabase]:
    with server.create("shop") as made:
        with made.connect() as conn:
            conn.execute((BASE.read_text(encoding="utf-8") + MORE).encode())
        yield made


def migration(sql: str) -> Migration:
    return Migration("007", "change", Path("007_change.sql"), sql, checksum(sql))


def carry_out(database: SandboxDatabase, migration: Migration) -> None:
    with database.connect() as conn, conn.transaction():
        conn.execute(migration.sql.encode())


def made(server: SandboxServer, shop: SandboxDatabase, sql: str) -> SetAside:
    return set_aside(server, shop, migration(sql))


# (statement, what of it is set aside)
RETURNING = {
    "table": ("DROP TABLE billing.invoices", ["billing.invoices"]),
    "table that is made anew": ("DROP TABLE visits; CREATE TABLE visits (id serial PRIMARY KEY)", ["public.visits"]),
    "two tables at once": ("DROP TABLE visits, billing.invoices", ["public.visits", "billing.invoices"]),
    "column": ("ALTER TABLE customers DROP COLUMN name", ["public.customers.name"]),
    "column under views": ("ALTER TABLE customers DROP COLUMN email CASCADE", ["public.customers.email"]),
    "two columns, and one under an old name": (
        "ALTER TABLE customers DROP COLUMN mood, DROP COLUMN score, ADD COLUMN score numeric NOT NULL DEFAULT 1",
        ["public.customers.mood", "public.customers.score"],
    ),
    "primary key": ("ALTER TABLE billing.invoices DROP COLUMN id", ["billing.invoices.id"]),
    "generated column": ("ALTER TABLE orders DROP COLUMN doubled", ["public.orders.doubled"]),
    "column that another is computed from": (
        "ALTER TABLE orders DROP COLUMN total CASCADE",
        ["public.orders.total", "public.orders.doubled"],
    ),
    "column of a unique key": ("ALTER TABLE members DROP COLUMN room", ["public.members.room"]),
    "column whose NULLs are equal": ("ALTER TABLE docs DROP COLUMN code", ["public.docs.code"]),
    "column of a partial unique index": ("ALTER TABLE members DROP COLUMN left_at", ["public.members.left_at"]),
    "among other changes": (
        "UPDATE customers SET name = upper(name); ALTER TABLE customers DROP COLUMN tags; DELETE FROM visits",
        ["public.customers.tags"],
    ),
    "outside a transaction": (
        "CREATE INDEX CONCURRENTLY by_score ON customers (score); ALTER TABLE customers DROP COLUMN tags",
        ["public.customers.tags"],
    ),
}


STOPS = {
    "column under views",
    "primary key",
    "column that another is computed from",
    "column of a partial unique index",
    "column whose NULLs are equal",
}


@pytest.mark.parametrize("case", RETURNING)
def test_what_is_set_aside_comes_back_whole(server: SandboxServer, shop: SandboxDatabase, case: str) -> None:
    sql, titles = RETURNING[case]
    found = made(server, shop, sql)
    assert [a.title for a in found.asides] == titles
    stops = case in STOPS  # every row that an application writes since lacks a value that has to be there again
    assert found.certificate.klass.value == ("SCHEMA_ONLY" if stops else "LOSSLESS"), found.certificate.line
    assert found.certificate.proven
    assert ("written since do not fit" in found.certificate.reason) == stops, found.certificate.reason
    again = prove(server, shop, found.migration, found.text, found.capture_text)  # whoever checks it sees the same
    assert again.klass == found.certificate.klass, again.line
    assert (found.capture_text == "") == (case != "among other changes")  # nothing is copied
    assert found.certificate.up_sha256 == checksum(found.migration.sql)
    assert found.certificate.down_sha256 == checksum(found.text)


REFUSED = {
    "partitioned": ("DROP TABLE measured", "partitioned"),
    "partition": ("DROP TABLE measured_2024", "is a partition"),
    "column of a partitioned table": ("ALTER TABLE measured DROP COLUMN value", "partitioned"),
    "rows of another table by CASCADE": ("DROP TABLE orders CASCADE", "takes materialized_view public.by_status along"),
    "a type that goes after it": ("ALTER TABLE customers DROP COLUMN mood; DROP TYPE mood", "a later statement fails"),
    "what the migration itself made": (
        "CREATE TABLE brief (a int); DROP TABLE visits, brief",
        "the migration made the table itself",
    ),
    "nothing dropped": ("UPDATE customers SET name = ''", "nothing in this migration drops"),
    "a whole schema": ("DROP SCHEMA billing CASCADE", "schema billing cannot be set aside: a schema goes with all"),
    "nothing there": ("DROP TABLE IF EXISTS nowhere", "nothing in this migration drops"),
    "does not run": ("ALTER TABLE customers DROP COLUMN email", "the migration itself fails"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_set_aside_is_told(server: SandboxServer, shop: SandboxDatabase, case: str) -> None:
    sql, why = REFUSED[case]
    with pytest.raises(RollbackError, match=why):
        made(server, shop, sql)


def test_what_cannot_be_set_aside_beside_what_can_is_copied_and_told(
    server: SandboxServer, shop: SandboxDatabase
) -> None:
    found = made(server, shop, "DROP TABLE visits; DROP TABLE measured")
    assert [a.title for a in found.asides] == ["public.visits"]
    assert [(x.what, x.line) for x in found.left] == [("public.measured", 1)]
    assert "agentdb_archive.m007_measured" in found.capture_text and "visits" not in found.capture_text
    assert "left to copying: public.measured" in found.text
    assert found.certificate.klass.value == "LOSSLESS"


def test_what_an_application_still_sees_is_said(server: SandboxServer, shop: SandboxDatabase) -> None:
    found = made(server, shop, "ALTER TABLE customers DROP COLUMN email CASCADE")
    (aside,) = found.asides
    assert found.seen == (
        f"column public.customers.{aside.now}",
        "constraint public.customers.customers_email_key",  # new rows hold NULL there: it stops nobody
        "index public.customers.customers_email_key",
    )
    assert f"SELECT * and INSERT without a list of columns see: {aside.now}" in " ".join(found.text.split("\n--    "))
    assert "rows read alike" in found.tried[0]
    assert made(server, shop, "DROP TABLE visits").seen == ()


def test_what_would_stop_writes_goes_and_only_that(server: SandboxServer, shop: SandboxDatabase) -> None:
    """Unique over two columns, a unique index that its predicate ties to the column, a check of two columns: all three
    go with the column in the plain migration, and would refuse rows that it lets in."""
    sql = made(server, shop, "ALTER TABLE members DROP COLUMN left_at").migration.sql
    assert "DROP CONSTRAINT members_check" in sql and "DROP INDEX public.members_email" in sql
    assert "members_house_room_key" not in sql
    sql = made(server, shop, "ALTER TABLE orders DROP COLUMN customer_id CASCADE").migration.sql
    assert "DROP CONSTRAINT orders_customer_id_fkey" in sql  # deletes of customers go on, and cascade nowhere
    sql = made(server, shop, "ALTER TABLE customers DROP COLUMN score").migration.sql
    assert "DROP" not in sql.partition("\n")[2]  # its default fills it, and passes its check


def test_rows_that_no_longer_fit_stop_the_rollback_before_anything_is_changed(
    server: SandboxServer, shop: SandboxDatabase
) -> None:
    found = made(server, shop, "ALTER TABLE customers DROP COLUMN email CASCADE")
    (aside,) = found.asides
    with server.clone(shop) as copy:
        with copy.connect() as conn:
            before = fingerprint(read_snapshot(conn))
        carry_out(copy, found.migration)
        with copy.connect() as conn:
            row = conn.execute("INSERT INTO customers (name) VALUES ('new') RETURNING id").fetchone()
            between = fingerprint(read_snapshot(conn))
            with pytest.raises(
                psycopg.errors.RaiseException, match="1 of public.customers without a value of email"
            ) as e:
                conn.execute(found.text.encode())
            assert row and f"email: {row[0]}" in str(e.value.diag.message_detail)
            assert fingerprint(read_snapshot(conn)) == between
            conn.execute(f"UPDATE customers SET {aside.now} = 'n@b' WHERE {aside.now} IS NULL".encode())
            conn.execute(found.text.encode())
            assert fingerprint(read_snapshot(conn)) == before
            assert conn.execute("SELECT count(*) FROM agentdb_archive.set_aside").fetchone() == (0,)


@pytest.mark.parametrize("sql", ["DROP TABLE billing.invoices", "ALTER TABLE customers DROP COLUMN name"])
def test_a_rollback_after_the_purge_says_so(server: SandboxServer, shop: SandboxDatabase, sql: str) -> None:
    found = made(server, shop, sql)
    (aside,) = found.asides
    with server.clone(shop) as copy:
        carry_out(copy, found.migration)
        with copy.connect() as conn:
            if aside.kind == "table":
                conn.execute(f"DROP TABLE agentdb_archive.{aside.now}".encode())
            else:
                conn.execute(f"ALTER TABLE customers DROP COLUMN {aside.now}".encode())
            with pytest.raises(psycopg.errors.RaiseException, match=f"{aside.title} is no longer there.*purged"):
                conn.execute(found.text.encode())


def test_names_are_unique_and_fit(server: SandboxServer, shop: SandboxDatabase) -> None:
    with server.clone(shop) as copy:
        with copy.connect() as conn:
            conn.execute(f'ALTER TABLE visits ADD COLUMN "{"ä" * 31}" int'.encode())
        found = set_aside(server, copy, migration(f'ALTER TABLE visits DROP COLUMN "{"ä" * 31}"'))
        again = set_aside(server, copy, migration("DROP TABLE visits; CREATE TABLE visits (page text)"))
    assert len(found.asides[0].now.encode()) <= 63
    assert again.asides[0].now != made(server, shop, "SELECT 1; DROP TABLE visits").asides[0].now


def test_the_same_migration_gives_the_same_text(server: SandboxServer, shop: SandboxDatabase) -> None:
    one = made(server, shop, "DROP TABLE billing.invoices")
    other = made(server, shop, "DROP TABLE billing.invoices")
    assert (one.migration.sql, one.text) == (other.migration.sql, other.text)


def test_all_else_in_the_file_stays_as_it_was(server: SandboxServer, shop: SandboxDatabase) -> None:
    sql = "-- purpose: less\nSELECT 1; -- one\n\nDROP TABLE visits; -- gone\nSELECT 2;\n"
    text = made(server, shop, sql).migration.sql
    assert text.startswith("-- purpose: less\nSELECT 1; -- one\n\n-- Set aside, not dropped: DROP TABLE visits\n")
    assert text.endswith("; -- gone\nSELECT 2;\n")


def test_only_the_catalog_changes(server: SandboxServer, shop: SandboxDatabase) -> None:
    """No rewrite, no scan and no index build, by the server's own messages and by the files on its disk."""
    found = made(server, shop, "ALTER TABLE customers DROP COLUMN name; DROP TABLE visits")
    with server.clone(shop) as copy, copy.connect(client_min_messages="debug1") as conn:
        said: list[str] = []
        conn.add_notice_handler(lambda notice: said.append(str(notice.message_primary)))
        files = "SELECT 'customers'::regclass::oid, pg_relation_filenode('customers'), pg_relation_filenode({})"
        before = conn.execute(files.format("'visits'").encode()).fetchone()
        with conn.transaction():
            conn.execute(found.migration.sql.encode())
        now = conn.execute(files.format(f"'agentdb_archive.{found.asides[1].now}'").encode()).fetchone()
        assert now == before
        with conn.transaction():
            conn.execute(found.text.encode())
        assert conn.execute(files.format("'visits'").encode()).fetchone() == before
        work = [
            s
            for s in said
            if s.startswith(("rewriting", "verifying", "validating", "building")) and "agentdb_archive" not in s
        ]
        assert [s for s in work if "set_aside" not in s and "pg_toast" not in s] == []
        conn.execute("ALTER TABLE customers ALTER COLUMN score TYPE bigint")  # the messages do come
        assert any(s.startswith("rewriting") for s in said)
