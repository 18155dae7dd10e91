"""Rows written between a migration and its rollback: they stay; what collides is noted, not overwritten."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agentdb.tools.naming import checksum
from agentdb.tools.records import Migration
from agentdb.tools.rollback.rehearse import Rehearsed, rehearse
from agentdb.tools.sandbox.databases import SandboxDatabase
from agentdb.tools.sandbox.server import SandboxServer

SCHEMA = """
CREATE TABLE items (id int PRIMARY KEY, name text NOT NULL UNIQUE, price int NOT NULL, note text);
CREATE TABLE lines (id int PRIMARY KEY, item int REFERENCES items);
INSERT INTO items SELECT n, 'item ' || n, n * 10, 'note ' || n FROM generate_series(1, 6) n;
"""
UP = """
ALTER TABLE items DROP COLUMN note;
UPDATE items SET price = price + 1 WHERE id <= 4;
DELETE FROM items WHERE id = 5;
INSERT INTO items VALUES (50, 'fifty', 50), (51, 'fifty-one', 51), (52, 'fifty-two', 52);
"""
SINCE = """
INSERT INTO items VALUES (7, 'seven', 7);
UPDATE items SET price = 999 WHERE id = 1;
UPDATE items SET name = 'other six' WHERE id = 6;
DELETE FROM items WHERE id = 2;
INSERT INTO items VALUES (5, 'another five', 55);
UPDATE items SET price = 520 WHERE id = 52;
INSERT INTO lines VALUES (1, 51);
"""


def carried(server: SandboxServer, database: SandboxDatabase, up: str, together: bool) -> Rehearsed:
    """The migration and its capture run for good on the database."""
    migration = Migration("009", "prices", Path("009_prices.sql"), up, checksum(up))
    done = rehearse(server, database, migration, together=together)
    with database.connect() as conn:
        if together:
            conn.execute(f"BEGIN; {done.capture_text}; {up}; COMMIT".encode())
        else:
            conn.execute(f"BEGIN; {done.capture_text}; COMMIT".encode())
            conn.execute(f"BEGIN; {up}; COMMIT".encode())
    return done


def rows(database: SandboxDatabase, query: str) -> list[tuple[Any, ...]]:
    with database.connect() as conn:
        return conn.execute(query.encode()).fetchall()


@pytest.mark.parametrize("together", [True, False])
def test_rows_written_since_stay_and_conflicts_are_noted(
    server: SandboxServer, database: SandboxDatabase, together: bool
) -> None:
    with database.connect() as conn:
        conn.execute(SCHEMA.encode())
    done = carried(server, database, UP, together)
    with database.connect() as conn:
        conn.execute(SINCE.encode())
        notices: list[str] = []
        conn.add_notice_handler(lambda d: notices.append(d.message_primary or ""))
        conn.execute(f"BEGIN; {done.text}; COMMIT".encode())
    # Apart from the migration's transaction, what others deleted or put back cannot be told from its own deletions.
    again = [] if together else [(2, "item 2", 20, "note 2")]
    assert rows(database, "SELECT id, name, price, note FROM items ORDER BY id") == [
        (1, "item 1", 999, "note 1"),  # changed by both: the later value stays
        *again,
        (3, "item 3", 30, "note 3"),  # the migration's change is undone
        (4, "item 4", 40, "note 4"),
        (5, "another five", 55, None) if together else (5, "another five", 55, "note 5"),  # the key is taken
        (6, "other six", 60, "note 6"),  # changed since only
        (7, "seven", 7, None),  # new
        (51, "fifty-one", 51, None),  # the migration's own, but referred to since
        (52, "fifty-two", 520, None),  # the migration's own, changed since
    ]
    noted = rows(database, "SELECT relation, key->>'id' FROM agentdb_archive.conflicts ORDER BY 2")
    assert {k for _, k in noted} >= {"1", "5", "51"} | ({"52"} if together else set())
    assert any("rows were left as they are: see agentdb_archive.conflicts" in n for n in notices)


def test_without_a_key_rows_are_told_by_what_they_hold(server: SandboxServer, database: SandboxDatabase) -> None:
    with database.connect() as conn:
        conn.execute(
            b"CREATE TABLE log (word text, n int); INSERT INTO log VALUES ('a', 1), ('a', 1), ('b', 2), (NULL, 3)"
        )
    done = carried(server, database, "UPDATE log SET n = n + 1 WHERE word = 'a'; INSERT INTO log VALUES ('z', 9)", True)
    with database.connect() as conn:
        conn.execute(b"INSERT INTO log VALUES ('a', 2), ('new', 5)")
        conn.execute(f"BEGIN; {done.text}; COMMIT".encode())
    left = rows(database, "SELECT word, n FROM log ORDER BY word NULLS LAST, n")
    assert left == [("a", 1), ("a", 1), ("a", 2), ("b", 2), ("new", 5), (None, 3)]


def test_values_that_the_old_type_cannot_hold_are_noted(server: SandboxServer, database: SandboxDatabase) -> None:
    with database.connect() as conn:
        conn.execute(
            b"CREATE TYPE mood AS ENUM ('a', 'b'); CREATE TABLE days (id int PRIMARY KEY, mood mood);"
            b" INSERT INTO days VALUES (1, 'a'), (2, 'b')"
        )
    done = carried(server, database, "ALTER TYPE mood ADD VALUE 'c'", True)
    with database.connect() as conn:
        conn.execute(b"INSERT INTO days VALUES (3, 'c')")
        conn.execute(f"BEGIN; {done.text}; COMMIT".encode())
    assert rows(database, "SELECT id, mood::text FROM days ORDER BY id") == [(1, "a"), (2, "b"), (3, None)]
    assert rows(database, "SELECT key, why FROM agentdb_archive.conflicts") == [
        ({"id": 3}, "mood was 'c', which public.mood cannot hold")
    ]


def test_a_second_run_of_the_migration_keeps_copies_of_its_own(
    server: SandboxServer, database: SandboxDatabase
) -> None:
    with database.connect() as conn:
        conn.execute(SCHEMA.encode())
    done = carried(server, database, "UPDATE items SET price = 0", True)
    with database.connect() as conn:
        conn.execute(f"BEGIN; {done.text}; COMMIT".encode())
        conn.execute(b"UPDATE items SET price = price + 5")
        conn.execute(f"BEGIN; {done.capture_text}; UPDATE items SET price = 0; COMMIT".encode())
        conn.execute(f"BEGIN; {done.text}; COMMIT".encode())
    assert rows(database, "SELECT sum(price)::int FROM items") == [(240,)]
