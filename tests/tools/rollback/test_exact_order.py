"""Columns back in their old places, where that is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentdb.tools.naming import checksum
from agentdb.tools.records import Migration
from agentdb.tools.rollback.rehearse import Rehearsed, rehearse
from agentdb.tools.sandbox.databases import SandboxDatabase
from agentdb.tools.sandbox.server import SandboxServer

BEFORE = """
CREATE TABLE customer (id serial PRIMARY KEY, email text NOT NULL UNIQUE, name text, score int DEFAULT 3 CHECK (score > 0));
INSERT INTO customer (email, name) VALUES ('a@x', 'Ann'), ('b@x', 'Bob');
CREATE TABLE bill (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer int REFERENCES customer ON DELETE CASCADE,
    total numeric, net numeric GENERATED ALWAYS AS (total / 2) STORED, said text);
INSERT INTO bill (customer, total, said) VALUES (1, 4, 'x'), (2, 6, 'y'), (NULL, 8, NULL);
CREATE INDEX bill_total ON bill (total) WHERE total > 0;
CREATE FUNCTION hush() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.said := 'touched'; RETURN NEW; END $$;
CREATE TRIGGER hush BEFORE INSERT OR UPDATE ON bill FOR EACH ROW EXECUTE FUNCTION hush();
CREATE VIEW owing AS SELECT c.email, b.* FROM customer c JOIN bill b ON b.customer = c.id;
COMMENT ON COLUMN bill.said IS 'free';
GRANT SELECT (total) ON bill TO PUBLIC;
ALTER TABLE bill ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen ON bill USING (total > 0);
CREATE TABLE metric (part int, a int, b int) PARTITION BY LIST (part);
CREATE TABLE metric_1 PARTITION OF metric FOR VALUES IN (1);
CREATE TABLE metric_rest PARTITION OF metric DEFAULT;
INSERT INTO metric VALUES (1, 2, 3), (7, 8, 9);
"""


def proven(server: SandboxServer, database: SandboxDatabase, sql: str, **options: bool) -> Rehearsed:
    with database.connect() as conn:
        conn.execute(BEFORE.encode())
    return rehearse(server, database, Migration("007", "change", Path("007_change.sql"), sql, checksum(sql)), **options)


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE customer DROP COLUMN name; ALTER TABLE customer RENAME COLUMN score TO points",
        "ALTER TABLE bill DROP COLUMN total CASCADE",
        "ALTER TABLE metric DROP COLUMN a",
    ],
)
def test_columns_are_where_they_were(server: SandboxServer, database: SandboxDatabase, sql: str) -> None:
    done = proven(server, database, sql, exact_order=True)
    assert done.certificate.differences == (), done.text
    assert (done.certificate.klass, done.certificate.proven) == ("LOSSLESS", True), done.certificate.line + done.text
    assert "Columns go back to their places" in done.text


def test_only_tables_with_another_order_are_made_anew(server: SandboxServer, database: SandboxDatabase) -> None:
    sql = "ALTER TABLE customer DROP COLUMN name; ALTER TABLE bill DROP COLUMN said CASCADE"
    done = proven(server, database, sql, exact_order=True)
    assert "DROP TABLE public.customer" in done.text
    assert "DROP TABLE public.bill" not in done.text  # its last column comes back to its place by itself


def test_by_default_the_order_is_told(server: SandboxServer, database: SandboxDatabase) -> None:
    done = proven(server, database, "ALTER TABLE customer DROP COLUMN name")
    assert done.certificate.klass == "LOSSLESS"
    assert done.certificate.differences == ("public.customer: its columns stand in another order",)
    assert "DROP TABLE public.customer" not in done.text
