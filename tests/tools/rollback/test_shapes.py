"""Each kind of change drafted, proven, and compared with what came before it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agentdb.errors import RollbackError
from agentdb.tools.naming import checksum
from agentdb.tools.records import Certificate, Migration
from agentdb.tools.rollback.rehearse import Rehearsed, rehearse
from agentdb.tools.sandbox.databases import SandboxDatabase
from agentdb.tools.sandbox.server import SandboxServer

pytestmark = pytest.mark.slow

BASE = Path(__file__).parents[2] / "support" / "rollback_base.sql"


@pytest.fixture(scope="module")
def shop(server: SandboxServer) -> Iterator[SandboxDatabase]:
    with server.create("shop") as made:
        with made.connect() as conn:
            conn.execute(BASE.read_text(encoding="utf-8").encode())
        yield made


def migration(sql: str) -> Migration:
    return Migration("007", "change", Path("007_change.sql"), sql, checksum(sql))


def proven(server: SandboxServer, shop: SandboxDatabase, sql: str, **options: bool) -> Rehearsed:
    return rehearse(server, shop, migration(sql), **options)


def told(certificate: Certificate) -> str:
    return certificate.line + "\n" + "\n".join(f"{s['step']}: {s['ok']} {s['detail']}" for s in certificate.steps)


LOSSLESS = {
    "create table": "CREATE TABLE notes (id serial PRIMARY KEY, body text, order_id integer REFERENCES orders)",
    "two tables that refer to each other": "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY,"
    " a int REFERENCES a); ALTER TABLE a ADD COLUMN b int REFERENCES b",
    "drop table with rows": "DROP TABLE billing.invoices",
    "drop table without a key": "DROP TABLE visits",
    "add column": "ALTER TABLE orders ADD COLUMN note text NOT NULL DEFAULT ''",
    "add identity column": "ALTER TABLE visits ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY",
    "drop column with values": "ALTER TABLE customers DROP COLUMN name",
    "drop column of a table without a key": "ALTER TABLE visits DROP COLUMN seen",
    "drop generated column": "ALTER TABLE orders DROP COLUMN doubled",
    "drop and add column of the same name": "ALTER TABLE customers DROP COLUMN score; ALTER TABLE customers ADD COLUMN"
    " score integer NOT NULL DEFAULT 0 CHECK (score >= 0)",
    "narrow a type": "ALTER TABLE customers ALTER COLUMN name TYPE varchar(5) USING left(name, 5)",
    "widen a type under views": "ALTER TABLE customers ALTER COLUMN score TYPE bigint",
    "text to enum": "ALTER TABLE orders DROP CONSTRAINT orders_status_check; DROP VIEW paid_total; DROP VIEW paid;"
    " DROP MATERIALIZED VIEW by_status; CREATE TYPE status AS ENUM ('new', 'paid', 'sent'); ALTER TABLE orders"
    " ALTER COLUMN status DROP DEFAULT, ALTER COLUMN status TYPE status USING status::status",
    "rename column": "ALTER TABLE orders RENAME COLUMN total TO amount",
    "rename table": "ALTER TABLE customers RENAME TO people",
    "rename in a block": "DO $$ BEGIN EXECUTE 'ALTER TABLE customers RENAME COLUMN email TO mail'; END $$",
    "swap two tables": "ALTER TABLE visits RENAME TO v; ALTER TABLE measured RENAME TO visits; ALTER TABLE v RENAME TO measured",
    "rename constraint": "ALTER TABLE billing.invoices RENAME CONSTRAINT invoices_once TO only_once",
    "rename enum label": "ALTER TYPE mood RENAME VALUE 'busy' TO 'hectic'",
    "rename schema": "ALTER SCHEMA billing RENAME TO accounts",
    "set schema": "ALTER TABLE visits SET SCHEMA billing",
    "add index": "CREATE INDEX orders_placed ON orders (placed DESC) INCLUDE (total)",
    "drop index": "DROP INDEX customers_name",
    "index concurrently": "CREATE INDEX CONCURRENTLY orders_placed ON orders (placed)",
    "add foreign key": "ALTER TABLE orders ADD CONSTRAINT o2 FOREIGN KEY (id) REFERENCES orders (id) NOT VALID",
    "drop primary key": "ALTER TABLE billing.invoices DROP CONSTRAINT invoices_pkey",
    "check and not null": "ALTER TABLE orders ADD CHECK (total > 0); ALTER TABLE customers ALTER COLUMN score DROP NOT NULL",
    "default": "ALTER TABLE orders ALTER COLUMN status SET DEFAULT 'paid', ALTER COLUMN placed DROP DEFAULT",
    "replace a view in a chain": "DROP VIEW paid_total; DROP VIEW paid; CREATE VIEW paid AS SELECT id FROM orders",
    "materialized view": "DROP MATERIALIZED VIEW by_status; CREATE MATERIALIZED VIEW totals AS SELECT 1 AS one",
    "replace a function": "CREATE OR REPLACE FUNCTION shout(word text) RETURNS text LANGUAGE sql AS $$ SELECT word $$",
    "function of another result": "DROP FUNCTION shout(text); CREATE FUNCTION shout(word text) RETURNS integer"
    " LANGUAGE sql AS $$ SELECT 1 $$",
    "trigger": "DROP TRIGGER orders_touch ON orders; DROP FUNCTION touch()",
    "disable a trigger": "ALTER TABLE orders DISABLE TRIGGER orders_touch",
    "policy": "DROP POLICY own ON billing.invoices; ALTER TABLE billing.invoices DISABLE ROW LEVEL SECURITY",
    "add enum label": "ALTER TYPE mood ADD VALUE 'away' BEFORE 'busy'",
    "remove enum label": "ALTER TABLE customers ALTER COLUMN mood DROP DEFAULT; CREATE TYPE mood2 AS ENUM ('calm');"
    " ALTER TABLE customers ALTER COLUMN mood TYPE mood2 USING 'calm'; DROP TYPE mood; ALTER TYPE mood2 RENAME TO mood",
    "domain": "ALTER DOMAIN positive DROP CONSTRAINT positive_check; ALTER DOMAIN positive SET DEFAULT 1",
    "composite": "ALTER TYPE size ADD ATTRIBUTE depth integer",
    "drop types": "DROP TYPE size",
    "sequence": "DROP SEQUENCE ticket",
    "sequence options": "ALTER SEQUENCE ticket INCREMENT BY 10 MAXVALUE 5000 CYCLE",
    "serial to identity": "ALTER TABLE orders ALTER COLUMN id DROP DEFAULT; DROP SEQUENCE orders_id_seq;"
    " ALTER TABLE orders ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (START WITH 100)",
    "detach partition": "ALTER TABLE measured DETACH PARTITION measured_2024",
    "drop partition": "DROP TABLE measured_2025",
    "comments": "COMMENT ON TABLE customers IS NULL; COMMENT ON COLUMN orders.total IS 'in euro'",
    "grants": "REVOKE SELECT ON customers FROM PUBLIC; GRANT UPDATE (name) ON customers TO PUBLIC",
    "storage": "ALTER TABLE customers SET (fillfactor = 50); ALTER TABLE customers ALTER COLUMN name SET STATISTICS 5",
    "replica identity": "ALTER TABLE orders REPLICA IDENTITY FULL",
    "statistics": "DROP STATISTICS orders_facts",
    "rule": "CREATE RULE quiet AS ON DELETE TO visits DO INSTEAD NOTHING",
    "publication": "CREATE PUBLICATION out FOR TABLE orders WHERE (id > 0)",
    "schema with things in it": "CREATE SCHEMA extra; CREATE TABLE extra.t (id int PRIMARY KEY); CREATE VIEW extra.v"
    " AS SELECT * FROM extra.t",
    "update": "UPDATE orders SET status = 'paid', total = total + 1 WHERE total > 15",
    "update of every row": "UPDATE customers SET tags = tags || '{x}', extra = '{}'",
    "update of a key": "UPDATE billing.invoices SET id = id + 100",
    "update without a key": "UPDATE visits SET page = 'start' WHERE page = 'home'",
    "delete": "DELETE FROM billing.invoices WHERE id = 1",
    "delete that cascades": "DELETE FROM billing.invoices; DELETE FROM customers WHERE id = 1",
    "truncate": "TRUNCATE visits, billing.invoices",
    "insert": "INSERT INTO customers (email) VALUES ('new@example.org'); INSERT INTO visits VALUES ('x', now())",
    "rows in a block": "DO $$ BEGIN UPDATE customers SET score = score * 2; DELETE FROM visits WHERE page IS NULL; END $$",
    "rows in a block that catches errors": "DO $$ BEGIN BEGIN UPDATE customers SET score = 9; EXCEPTION WHEN others THEN"
    " NULL; END; END $$",
    "rows through a function": "CREATE FUNCTION clean() RETURNS void LANGUAGE sql AS $$ DELETE FROM billing.invoices $$;"
    " SELECT clean(); DROP FUNCTION clean()",
    "merge": "MERGE INTO customers c USING (VALUES ('ann@example.org', 50), ('zoe@example.org', 5)) AS n (email, score)"
    " ON c.email = n.email WHEN MATCHED THEN UPDATE SET score = n.score WHEN NOT MATCHED THEN INSERT (email, score)"
    " VALUES (n.email, n.score)",
    "another table under the old name": "CREATE TABLE visits2 (page text, seen date, id int); INSERT INTO visits2 SELECT"
    " *, 1 FROM visits; DROP TABLE visits; ALTER TABLE visits2 RENAME TO visits",
    "nothing": "SELECT 1",
}


# The schema returns and so do the rows; but rows written since under the new rules cannot stay, or stop the rollback.
SCHEMA_ONLY = {
    "drop table that others refer to": ("DROP TABLE orders CASCADE", "invoices_order_id_fkey"),
    "drop foreign key": ("ALTER TABLE orders DROP CONSTRAINT orders_customer_id_fkey", "orders_customer_id_fkey"),
    "drop key column": ("ALTER TABLE billing.invoices DROP COLUMN id", "contains null values"),
    "new partition": (
        "CREATE TABLE measured_2026 PARTITION OF measured FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')",
        "public.measured",
    ),
    "convert a type": (
        (
            "ALTER TABLE customers DROP CONSTRAINT customers_score_check, ALTER COLUMN score DROP DEFAULT,"
            " ALTER COLUMN score TYPE text USING 'n' || score"
        ),
        "contains null values",
    ),
}


@pytest.mark.parametrize("name", SCHEMA_ONLY)
def test_what_was_written_since_can_stand_in_the_way(server: SandboxServer, shop: SandboxDatabase, name: str) -> None:
    sql, reason = SCHEMA_ONLY[name]
    done = proven(server, shop, sql)
    assert (done.certificate.klass, done.certificate.proven) == ("SCHEMA_ONLY", True), told(done.certificate)
    assert reason in done.certificate.reason
    assert [s["ok"] for s in done.certificate.steps if s["step"] in ("compare schema", "compare rows")] == [True, True]


LOSSY = {
    "drop column": ("ALTER TABLE customers DROP COLUMN name", "public.customers (name)"),
    "drop table": ("DROP TABLE visits", "public.visits"),
    "update": ("UPDATE orders SET total = total + 1", "public.orders"),
    "truncate": ("TRUNCATE visits", "public.visits"),
}


@pytest.mark.parametrize("name", LOSSY)
def test_without_copies_the_loss_is_named(server: SandboxServer, shop: SandboxDatabase, name: str) -> None:
    sql, where = LOSSY[name]
    done = proven(server, shop, sql, data=False)
    assert (done.certificate.klass, done.capture_text) == ("LOSSY", "")
    assert where in done.certificate.reason
    assert "Not brought back: " in done.text


def test_an_empty_table_proves_nothing_of_its_rows(server: SandboxServer, database: SandboxDatabase) -> None:
    with database.connect() as conn:
        conn.execute("CREATE TABLE notes (id int PRIMARY KEY, body text)")
    done = rehearse(server, database, migration("ALTER TABLE notes DROP COLUMN body"))
    assert (done.certificate.klass, done.certificate.proven) == ("SCHEMA_ONLY", False)
    assert done.certificate.line == "SCHEMA_ONLY (not proven): no rows could be compared in public.notes"


def test_a_migration_that_does_not_run_has_no_way_back(server: SandboxServer, shop: SandboxDatabase) -> None:
    with pytest.raises(
        RollbackError, match="the migration itself fails in the sandbox: column .nosuch. .*does not exist"
    ):
        proven(server, shop, "ALTER TABLE orders ADD COLUMN a int; UPDATE orders SET nosuch = 1")


def test_what_must_not_run_in_the_sandbox_is_not_drafted(server: SandboxServer, shop: SandboxDatabase) -> None:
    with pytest.raises(RollbackError, match="COPY with a file name"):
        proven(server, shop, "COPY visits FROM '/etc/passwd'")


def test_the_same_draft_gives_the_same_text(server: SandboxServer, shop: SandboxDatabase) -> None:
    sql = "ALTER TABLE customers DROP COLUMN name; UPDATE visits SET page = 'x'"
    first, second = proven(server, shop, sql), proven(server, shop, sql)
    assert (first.text, first.capture_text) == (second.text, second.capture_text)
    assert first.certificate.down_sha256 == checksum(first.text)
    assert first.certificate.capture_sha256 == checksum(first.capture_text)


@pytest.mark.parametrize("name", LOSSLESS)
def test_the_way_back_is_lossless(server: SandboxServer, shop: SandboxDatabase, name: str) -> None:
    done = proven(server, shop, LOSSLESS[name])
    assert done.draft.remaining == (), done.text
    assert (done.certificate.klass, done.certificate.proven) == ("LOSSLESS", True), told(done.certificate) + done.text


def test_what_is_drafted_can_be_carried_to_a_target(server: SandboxServer, shop: SandboxDatabase) -> None:
    """The ledger takes a script apart and refuses what it could not answer for."""
    from agentdb.tools.ledger.scripts import capture_of, read

    done = proven(
        server, shop, "; ".join([LOSSLESS[n] for n in ("update", "drop column with values", "truncate", "policy")])
    )
    assert done.certificate.klass == "LOSSLESS", told(done.certificate)
    assert capture_of(done.capture_text, "007_change.capture.sql").transactional
    assert read(done.text, where="007_change.sql").transactional
