"""A schema with something of everything, read once, and ways to change it that leave no trace."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from agentdb.tools.sandbox.databases import SandboxDatabase
from agentdb.tools.sandbox.server import SandboxServer
from agentdb.tools.schema.model import Snapshot
from agentdb.tools.schema.snapshot import read_snapshot

SCHEMA = """
CREATE SCHEMA billing;
COMMENT ON SCHEMA billing IS 'Money';
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TYPE pair AS (a int, b text);
CREATE TYPE span AS RANGE (subtype = numeric);
CREATE DOMAIN email AS text CHECK (VALUE LIKE '%@%');
CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, mail text UNIQUE, boss bigint REFERENCES users);
COMMENT ON TABLE users IS 'People';
COMMENT ON COLUMN users.mail IS 'Lower case';
CREATE TABLE orders (id bigserial PRIMARY KEY, user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
    total numeric(12,2) NOT NULL DEFAULT 0, feeling mood, CONSTRAINT positive CHECK (total >= 0));
CREATE TABLE items (order_id bigint REFERENCES orders, line int, what text, PRIMARY KEY (order_id, line));
CREATE TABLE billing.invoices (id int PRIMARY KEY, order_id bigint UNIQUE REFERENCES orders, at date NOT NULL);
CREATE TABLE log (id bigint, at timestamptz NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE log_2026 PARTITION OF log FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2027-01-01 00:00+00');
CREATE TABLE alone (x int);
CREATE INDEX orders_user ON orders (user_id);
CREATE VIEW big_orders AS SELECT id, total FROM orders WHERE total > 100;
CREATE MATERIALIZED VIEW sums AS SELECT user_id, sum(total) AS total FROM orders GROUP BY 1;
CREATE UNIQUE INDEX sums_user ON sums (user_id);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE PROCEDURE tidy(days int) LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE longest(text) (SFUNC = textcat, STYPE = text);
CREATE TRIGGER orders_touch BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION touch();
CREATE POLICY own ON orders USING (user_id = 1);
CREATE RULE quiet AS ON DELETE TO alone DO INSTEAD NOTHING;
CREATE SEQUENCE tickets;
CREATE STATISTICS orders_stats ON user_id, total FROM orders;
CREATE PUBLICATION feed FOR TABLE users;
"""

Changed = Callable[[str], Snapshot]


@pytest.fixture(scope="module")
def furnished(server: SandboxServer) -> Iterator[SandboxDatabase]:
    """A database with SCHEMA in it; tests of a module share it and leave it as it is."""
    with server.create() as made:
        with made.connect() as connection:
            connection.execute(SCHEMA.encode())
        yield made


@pytest.fixture(scope="module")
def schema(furnished: SandboxDatabase) -> Snapshot:
    with furnished.connect() as connection:
        return read_snapshot(connection)


@pytest.fixture(scope="module")
def changed(furnished: SandboxDatabase) -> Iterator[Changed]:
    """changed("ALTER ..."): the snapshot after that SQL, which is taken back at once."""
    with furnished.connect() as connection:

        def change(sql: str) -> Snapshot:
            connection.execute(b"BEGIN")
            try:
                connection.execute(sql.encode())
                return read_snapshot(connection)
            finally:
                connection.execute(b"ROLLBACK")

        yield change
