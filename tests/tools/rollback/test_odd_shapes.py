"""Rollbacks of what migrations seldom touch: partitions' own keys and triggers, rules, composite types."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agentdb.tools.naming import checksum
from agentdb.tools.records import Migration
from agentdb.tools.rollback import key_copies
from agentdb.tools.rollback.rehearse import Rehearsed, rehearse
from agentdb.tools.sandbox.databases import SandboxDatabase
from agentdb.tools.sandbox.server import SandboxServer
from agentdb.tools.schema.snapshot import read_snapshot

pytestmark = pytest.mark.slow

BEFORE = """
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.at := clock_timestamp(); RETURN NEW; END $$;
CREATE TABLE device (part int NOT NULL, id int NOT NULL, at timestamptz NOT NULL DEFAULT now(), name text,
    spare jsonb, CONSTRAINT device_key PRIMARY KEY (part, id)) PARTITION BY HASH (part);
CREATE TABLE device_0 PARTITION OF device FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE device_1 PARTITION OF device FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TRIGGER own_stamp BEFORE UPDATE ON device_0 FOR EACH ROW EXECUTE FUNCTION stamp();
CREATE TRIGGER own_stamp BEFORE UPDATE ON device_1 FOR EACH ROW EXECUTE FUNCTION stamp();
CREATE TRIGGER whole AFTER DELETE ON device FOR EACH ROW EXECUTE FUNCTION stamp();
ALTER TABLE device_1 DISABLE TRIGGER whole;
INSERT INTO device SELECT n % 3, n, '2024-01-01', 'd' || n, '{"a": 1}' FROM generate_series(1, 6) AS n;
CREATE TABLE reading (id int PRIMARY KEY, part int, device int,
    CONSTRAINT reading_device FOREIGN KEY (part, device) REFERENCES device);
INSERT INTO reading SELECT n, n % 3, n FROM generate_series(1, 6) AS n;
CREATE TABLE log (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, what text);
INSERT INTO log (what) VALUES ('begin');
CREATE TABLE note (id int PRIMARY KEY, body text);
INSERT INTO note VALUES (1, 'a'), (2, 'b'), (3, 'c');
CREATE RULE noted AS ON UPDATE TO note DO ALSO INSERT INTO log (what) VALUES ('changed ' || NEW.id);
CREATE TYPE place AS (street text, zip text, country text);
CREATE TYPE pair AS (a int, b int);
CREATE FUNCTION street_of(p place) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT p.street $$;
CREATE TABLE shop (id int PRIMARY KEY, at place, more place[]);
INSERT INTO shop VALUES (1, ROW('s', '1', 'de'), ARRAY[ROW('t', '2', 'fr')::place]), (2, NULL, NULL), (3, ROW(NULL, NULL, NULL), '{}');
CREATE TABLE parent (id int PRIMARY KEY, said text);
CREATE TABLE child (more int, PRIMARY KEY (id)) INHERITS (parent);
INSERT INTO parent VALUES (1, 'a'); INSERT INTO child VALUES (1, 'b', 2), (2, 'c', 3);
CREATE TABLE pairs OF pair (a PRIMARY KEY);
INSERT INTO pairs VALUES (1, 2), (3, 4);
"""


@pytest.fixture
def odd(database: SandboxDatabase) -> Iterator[SandboxDatabase]:
    with database.connect() as conn:
        conn.execute(BEFORE.encode())
    yield database


def proven(server: SandboxServer, database: SandboxDatabase, sql: str) -> Rehearsed:
    return rehearse(server, database, Migration("007", "change", Path("007_change.sql"), sql, checksum(sql)))


LOSSLESS = {
    "partition's own trigger and a column": "ALTER TABLE device DROP COLUMN spare",
    "partition's own trigger and rows": "UPDATE device SET name = upper(name)",
    "trigger switched on a partition": "ALTER TABLE device_1 ENABLE TRIGGER whole; ALTER TABLE device_0 DISABLE TRIGGER whole",
    "trigger dropped": "DROP TRIGGER whole ON device",
    "rows of a table with a rule": "UPDATE note SET body = body || '!' WHERE id < 3",
    "rows and rules": "DROP RULE noted ON note; DELETE FROM note WHERE id = 2",
    "a child of its own": "ALTER TABLE child NO INHERIT parent",
    "a column of parent and child": "ALTER TABLE parent ALTER COLUMN said TYPE varchar(50); UPDATE parent SET said = 'x'",
}


@pytest.mark.parametrize("name", LOSSLESS)
def test_the_way_back_is_lossless(server: SandboxServer, odd: SandboxDatabase, name: str) -> None:
    done = proven(server, odd, LOSSLESS[name])
    assert (done.certificate.klass, done.certificate.proven) == ("LOSSLESS", True), done.certificate.line + done.text


@pytest.mark.parametrize("what", ["DROP TABLE device_0", "ALTER TABLE device DROP CONSTRAINT device_key"])
def test_a_partition_comes_back_with_the_keys_of_its_table(
    server: SandboxServer, odd: SandboxDatabase, what: str
) -> None:
    sql = f"ALTER TABLE reading DROP CONSTRAINT reading_device; {what}"
    done = proven(server, odd, sql)
    assert not done.certificate.differences, done.text
    assert [s["ok"] for s in done.certificate.steps if s["step"].startswith("compare")] == [True, True], done.text
    assert "device_0 ADD CONSTRAINT" not in done.text


def test_a_dropped_attribute_comes_back_with_its_values(server: SandboxServer, odd: SandboxDatabase) -> None:
    """The server writes no row when an attribute goes, and yet the values are gone."""
    done = proven(server, odd, "ALTER TYPE place DROP ATTRIBUTE zip")
    assert not done.certificate.differences, done.text
    assert [s["ok"] for s in done.certificate.steps if s["step"].startswith("compare")] == [True, True], done.text


def test_a_typed_table_follows_its_type(server: SandboxServer, odd: SandboxDatabase) -> None:
    done = proven(server, odd, "ALTER TYPE pair DROP ATTRIBUTE b CASCADE")
    assert (done.certificate.klass, done.certificate.proven) == ("LOSSLESS", True), done.certificate.line + done.text
    done = proven(server, odd, "ALTER TYPE pair DROP ATTRIBUTE a CASCADE")  # comes back before the other
    assert not done.certificate.differences, done.text
    assert [s["ok"] for s in done.certificate.steps if s["step"].startswith("compare")] == [True, True], done.text


def test_copies_of_a_key_keep_their_names(server: SandboxServer, odd: SandboxDatabase) -> None:
    with odd.connect() as conn:
        conn.execute("ALTER TABLE reading RENAME CONSTRAINT reading_device_1 TO chosen")
        before = key_copies.read(conn)
    assert "chosen" in before.values()
    done = proven(server, odd, "ALTER TABLE reading DROP CONSTRAINT reading_device")
    assert not done.certificate.differences, done.text
    assert "TO chosen" in done.text


def test_a_key_that_was_made_with_a_partitioned_table_is_told(server: SandboxServer, odd: SandboxDatabase) -> None:
    with odd.connect() as conn:
        conn.execute("ALTER TABLE reading DROP CONSTRAINT reading_device; ALTER TABLE device DETACH PARTITION device_0")
        snapshot = read_snapshot(conn)
    assert [o.properties.get("detached") for o in snapshot.of("constraint") if o.id.parent == "device_0"] == [True]
    done = proven(server, odd, "DROP TABLE device_0")
    assert done.certificate.klass == "SCHEMA_ONLY", done.text
    assert "is not marked as it was" in done.certificate.reason
