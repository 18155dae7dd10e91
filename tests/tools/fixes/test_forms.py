"""Every known form, proven on the server, and a shape of it that has to be refused."""

from __future__ import annotations

import pytest

from agentdb.tools.fixes.offer import Outcome
from agentdb.tools.hazards.rewriting.registry import rewriters
from agentdb.tools.sandbox.server import SandboxServer
from tests.support.fixing import offered

pytestmark = pytest.mark.slow

ORDERS = """
CREATE TABLE customers (id bigint PRIMARY KEY);
CREATE TABLE orders (id bigint PRIMARY KEY, customer bigint, note text, quantity integer DEFAULT 1, total numeric(8, 2));
CREATE INDEX orders_quantity_idx ON orders (quantity);
"""
PARTS = """
CREATE TABLE events (id bigint, day date NOT NULL) PARTITION BY RANGE (day);
CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE events_2025 (id bigint, day date NOT NULL DEFAULT '2025-02-02');
"""
REST = PARTS + "CREATE TABLE events_rest PARTITION OF events DEFAULT;"
SUMS = "CREATE MATERIALIZED VIEW sums AS SELECT quantity, count(*) AS orders FROM orders GROUP BY quantity;"
KEYED = SUMS + " CREATE UNIQUE INDEX sums_key ON sums (quantity);"
NUMBERS = """
CREATE TABLE t (id serial PRIMARY KEY, n int NOT NULL DEFAULT 3 UNIQUE CHECK (n <> 7));
COMMENT ON COLUMN t.n IS 'number';
"""
SANE = """
ALTER TABLE orders ADD CONSTRAINT sane CHECK (quantity <> 7) NOT VALID;
ALTER TABLE orders VALIDATE CONSTRAINT sane
"""
MOOD = "CREATE TYPE mood AS ENUM ('sad'); CREATE TABLE people (id bigint PRIMARY KEY, mood mood);"

# rewriter, schema, statement, rule, what stands in the rewrite
PROVEN = [
    (
        "create_index",
        ORDERS,
        "CREATE INDEX ON orders (lower(note), total DESC)",
        "require-concurrent-index",
        "CONCURRENTLY",
    ),
    ("create_index", PARTS, "CREATE INDEX by_id ON events (id)", "require-concurrent-index", "ATTACH PARTITION"),
    ("drop_index", ORDERS, "DROP INDEX orders_quantity_idx", "require-concurrent-index-drop", "CONCURRENTLY"),
    ("reindex", ORDERS, "REINDEX (VERBOSE) TABLE orders", "require-concurrent-reindex", "TABLE CONCURRENTLY"),
    (
        "constraint",
        ORDERS,
        "ALTER TABLE orders ADD CONSTRAINT c FOREIGN KEY (customer) REFERENCES customers",
        "adding-foreign-key",
        "VALIDATE",
    ),
    (
        "constraint",
        ORDERS,
        "ALTER TABLE orders ADD CHECK (quantity > -5000000)",
        "adding-check",
        "orders_quantity_check",
    ),
    ("not_null", ORDERS, "ALTER TABLE orders ALTER note SET NOT NULL", "setting-not-null", "NOT NULL note NOT VALID"),
    ("unique", ORDERS, "ALTER TABLE orders ADD UNIQUE (note)", "adding-unique", "USING INDEX orders_note_key"),
    (
        "unique",
        "CREATE TABLE bare (id bigint, n int)",
        "ALTER TABLE bare ADD PRIMARY KEY (id)",
        "adding-primary-key",
        "PRIMARY KEY USING INDEX bare_pkey",
    ),
    (
        "add_column",
        ORDERS,
        "ALTER TABLE orders ADD COLUMN token uuid DEFAULT gen_random_uuid() NOT NULL",
        "adding-volatile-default",
        "COMMIT",
    ),
    ("add_column", ORDERS, "ALTER TABLE orders ADD COLUMN n bigserial", "adding-serial-column", "OWNED BY orders.n"),
    (
        "add_column",
        "CREATE TABLE bare (x int)",
        "ALTER TABLE bare ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
        "adding-identity-column",
        "ctid",
    ),
    (
        "add_column",
        ORDERS,
        "ALTER TABLE orders ADD COLUMN of_day int DEFAULT 1 CHECK (of_day > 0)",
        "adding-check",
        "NOT VALID",
    ),
    (
        "type_change",
        ORDERS,
        "ALTER TABLE orders ALTER quantity TYPE bigint",
        "changing-column-type",
        "orders_quantity_idx_new",
    ),
    (
        "type_change",
        NUMBERS,
        "ALTER TABLE t ALTER n TYPE numeric(20, 2) USING n * 2",
        "changing-column-type",
        "new.n * 2",
    ),
    (
        "type_change",
        "CREATE TABLE t (id serial PRIMARY KEY, n int)",
        "ALTER TABLE t ALTER id TYPE bigint",
        "changing-column-type",
        "PRIMARY KEY USING INDEX",
    ),
    ("backfill", ORDERS, "UPDATE orders SET quantity = quantity + 1", "require-where", "orders_progress"),
    (
        "backfill",
        ORDERS,
        "UPDATE orders AS o SET note = 'x' WHERE o.note > ''",
        "unbatched-backfill",
        "o.id <= upto.id",
    ),
    ("backfill", "CREATE TABLE bare (x int)", "DELETE FROM bare", "require-where", "bare.ctid"),
    (
        "attach",
        PARTS,
        "ALTER TABLE events ATTACH PARTITION events_2025 FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')",
        "attaching-partition",
        "day >= '2025-01-01'",
    ),
    (
        "attach",
        REST,
        "ALTER TABLE events ATTACH PARTITION events_2025 FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')",
        "attaching-partition",
        "events_rest_rest",
    ),
    (
        "partition",
        REST,
        "CREATE TABLE events_2030 PARTITION OF events FOR VALUES FROM ('2030-01-01') TO ('2031-01-01')",
        "adding-partition-beside-default",
        "NOT (day IS NOT NULL AND",
    ),
    ("detach", PARTS, "ALTER TABLE events DETACH PARTITION events_2024", "require-concurrent-detach", "CONCURRENTLY"),
    ("refresh", ORDERS + KEYED, "REFRESH MATERIALIZED VIEW sums", "require-concurrent-refresh", "CONCURRENTLY"),
    (
        "apart",
        ORDERS,
        SANE,
        "validating-in-same-transaction",
        "step 2 of 2: validate",
    ),
    (
        "long_work",
        ORDERS,
        "ALTER TABLE orders ADD COLUMN z int; CREATE TABLE copies AS SELECT id FROM orders",
        "holding-lock-during-work",
        "step 2 of 2: work",
    ),
    (
        "outside",
        ORDERS,
        "VACUUM orders",
        "ban-in-transaction",
        "no-transaction",
    ),
    (
        "enum_value",
        MOOD,
        "ALTER TYPE mood ADD VALUE 'happy'; INSERT INTO people VALUES (-1, 'happy')",
        "using-new-enum-value",
        "step 2 of 2: use",
    ),
    (
        "own_transactions",
        ORDERS,
        "BEGIN; ALTER TABLE orders ADD COLUMN z int; COMMIT",
        "ban-transaction-control",
        "z int",
    ),
]

# rewriter, schema, statement, rule, why not
REFUSED = [
    (
        "create_index",
        ORDERS,
        "DO $$ BEGIN CREATE INDEX i ON orders (total); END $$",
        "require-concurrent-index",
        "inside a DO",
    ),
    ("drop_index", ORDERS, "DROP INDEX orders_quantity_idx CASCADE", "require-concurrent-index-drop", "no CASCADE"),
    (
        "constraint",
        ORDERS + "INSERT INTO orders VALUES (1, 77)",
        "ALTER TABLE orders ADD FOREIGN KEY (customer) REFERENCES customers; SELECT 1 / 0",
        "adding-foreign-key",
        "does not run",
    ),
    (
        "unique",
        "CREATE TABLE p (id int, n int) PARTITION BY HASH (id); CREATE TABLE p1 PARTITION OF p FOR VALUES WITH (MODULUS 1, REMAINDER 0)",
        "ALTER TABLE p ADD UNIQUE (id)",
        "adding-unique",
        "partitioned",
    ),
    (
        "add_column",
        ORDERS,
        "ALTER TABLE orders ADD COLUMN IF NOT EXISTS token uuid DEFAULT gen_random_uuid()",
        "adding-volatile-default",
        "IF NOT EXISTS",
    ),
    (
        "type_change",
        ORDERS + "CREATE TABLE lines (of_order bigint REFERENCES orders)",
        "ALTER TABLE orders ALTER id TYPE numeric",
        "changing-column-type",
        "points to the column",
    ),
    (
        "backfill",
        ORDERS,
        "UPDATE orders SET total = (SELECT max(total) FROM orders)",
        "require-where",
        "later batches would see",
    ),
    ("backfill", "CREATE TABLE bare (x int)", "UPDATE bare SET x = 1", "require-where", "no key to walk by"),
    (
        "attach",
        "CREATE TABLE p (a int, b int) PARTITION BY RANGE (a, b); CREATE TABLE q (a int NOT NULL, b int NOT NULL)",
        "ALTER TABLE p ATTACH PARTITION q FOR VALUES FROM (1, 1) TO (2, 2)",
        "attaching-partition",
        "several columns",
    ),
    (
        "detach",
        REST,
        "ALTER TABLE events DETACH PARTITION events_2024",
        "require-concurrent-detach",
        "DEFAULT partition",
    ),
    ("refresh", ORDERS + SUMS, "REFRESH MATERIALIZED VIEW sums", "require-concurrent-refresh", "unique index"),
    ("outside", ORDERS, "CREATE DATABASE other", "ban-in-transaction", "cannot run inside a transaction"),
]


@pytest.mark.parametrize(("form", "setup", "sql", "rule", "text"), PROVEN, ids=lambda v: str(v)[:24])
def test_a_known_form_is_proven(server: SandboxServer, form: str, setup: str, sql: str, rule: str, text: str) -> None:
    made = offered(server, setup, sql, splits=form != "outside")
    outcome = {h.finding.rule: (h.outcome, h.reason) for h in made.hazards}
    assert outcome[rule] == (Outcome.PROVEN, "")
    assert made.verdict is not None
    assert made.verdict.proven
    assert text in "\n".join(d.text for d in made.files)


@pytest.mark.parametrize(("form", "setup", "sql", "rule", "why"), REFUSED, ids=lambda v: str(v)[:24])
def test_what_has_no_form_here_is_refused(
    server: SandboxServer, form: str, setup: str, sql: str, rule: str, why: str
) -> None:
    made = offered(server, setup, sql, splits=False)
    found = next(h for h in made.hazards if h.finding.rule == rule)
    assert found.outcome is Outcome.REFUSED
    assert why in found.reason
    assert made.files == ()


def test_every_form_is_tried_here() -> None:
    assert {form for form, *_ in PROVEN} == {r.name for r in rewriters()}
