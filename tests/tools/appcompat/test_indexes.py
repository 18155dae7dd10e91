"""Queries that lose the index that finds their rows: told by a real server's plans, before and after."""

from __future__ import annotations

from typing import Any

import pytest

from agentdb.tools.appcompat import indexes
from agentdb.tools.appcompat.findings import findings
from agentdb.tools.appcompat.model import Compatibility, Corpus, Query
from agentdb.tools.appcompat.rollout import Script, look
from agentdb.tools.sandbox.databases import SandboxDatabase

SCHEMA = """
CREATE TABLE customers (id bigint PRIMARY KEY, email text NOT NULL);
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint, total int, status text, note text, place point);
CREATE INDEX orders_customer_id_idx ON orders (customer_id);
"""
BY_CUSTOMER = "SELECT id FROM orders WHERE customer_id = $1"
DROP = "DROP INDEX orders_customer_id_idx"
GONE = "index orders_customer_id_idx is gone, and all of orders is read instead"


def seen(database: SandboxDatabase, queries: list[str], *migrations: str, more: str = "") -> Compatibility:
    with database.connect() as conn:
        conn.execute((SCHEMA + more).encode())
    scripts = [
        Script(f"{n:03}.sql", sql, f"{n:03}", no_transaction="no-transaction" in sql)
        for n, sql in enumerate(migrations, 1)
    ]
    found = look(database, scripts, Corpus(tuple(Query(q, f"q.sql:{n}") for n, q in enumerate(queries, 1))))
    assert not found.broken_off
    return found


def slow(found: Compatibility) -> list[tuple[Any, ...]]:
    return sorted((c.subject, c.what, c.moment.label, c.until) for c in found.changes if c.rule == indexes.RULE)


def test_queries_that_lose_their_index_are_one_finding(database: SandboxDatabase) -> None:
    queries = [
        BY_CUSTOMER,
        "SELECT id FROM orders WHERE customer_id = 7",
        "SELECT id FROM orders WHERE total = $1",  # never had one
        "UPDATE orders SET note = $2 WHERE customer_id = $1",
        "SELECT o.id FROM customers c JOIN orders o ON o.customer_id = c.id WHERE c.id = $1",
        "SELECT email FROM customers WHERE id = $1",  # keeps its own
        "SELECT * FROM orders",
        "INSERT INTO orders (id) VALUES ($1)",
    ]
    found = seen(database, queries, f"ALTER TABLE customers ADD x int;\n{DROP};\nALTER TABLE orders ADD y int;")
    assert slow(found) == [(f"q.sql:{n}", GONE, "001", "") for n in (1, 2, 4, 5)]
    made, evidence = findings(found)
    [finding] = [f for f in made if f.rule == "slowing-query"]
    assert (finding.severity, finding.proof, finding.path, finding.line) == ("warning", "CONFIRMED", "001.sql", 2)
    assert finding.why == (
        "4 queries of the application (q.sql:1, q.sql:2, q.sql:4 and 1 more) have no index for their rows any more:"
        f" {GONE}. Old code against the new schema: from 001 on, for as long as that code runs."
    )
    assert [e.summary for e in evidence if e.id == finding.evidence[0]] == [f"q.sql:1: {GONE}"]


@pytest.mark.parametrize(
    ("more", "query"),
    [
        ("CREATE INDEX twin ON orders (customer_id, total)", BY_CUSTOMER),
        ("CREATE INDEX other ON orders (status)", "SELECT * FROM orders WHERE status = $1 AND customer_id = $2"),
        ("CREATE INDEX other ON orders USING hash (customer_id)", BY_CUSTOMER),
        ("CREATE INDEX other ON orders USING brin (customer_id)", BY_CUSTOMER),
        ("", "SELECT * FROM orders WHERE id = $1 AND customer_id = $2"),
        ("", "SELECT customer_id FROM orders ORDER BY customer_id"),  # only its order, and all rows
        ("", "SELECT o.id FROM orders o JOIN customers c ON c.id = o.customer_id"),  # all rows of both
    ],
)
def test_a_query_that_another_index_serves_or_none_did(database: SandboxDatabase, more: str, query: str) -> None:
    assert slow(seen(database, [query], DROP, more=more)) == []


@pytest.mark.parametrize(
    "migration",
    [
        "ALTER INDEX orders_customer_id_idx RENAME TO by_customer",
        f"CREATE INDEX by_customer ON orders (customer_id); {DROP}",
        f"{DROP}; CREATE INDEX orders_customer_id_idx ON orders (customer_id) INCLUDE (total)",
        "ALTER TABLE orders RENAME TO sales; CREATE VIEW orders AS SELECT * FROM sales",
        "ALTER TABLE orders ALTER COLUMN customer_id TYPE int",
        "REINDEX TABLE orders; ALTER TABLE orders DROP COLUMN note",
    ],
)
def test_an_index_that_only_looks_gone(database: SandboxDatabase, migration: str) -> None:
    assert slow(seen(database, [BY_CUSTOMER], migration)) == []


def test_a_table_that_is_renamed_meanwhile(database: SandboxDatabase) -> None:
    view = "CREATE VIEW orders AS SELECT * FROM sales"
    assert slow(seen(database, [BY_CUSTOMER], f"ALTER TABLE orders RENAME TO sales; {view}; {DROP}")) == [
        ("q.sql:1", GONE, "001", "")
    ]


def test_an_index_that_comes_back_says_until_when(database: SandboxDatabase) -> None:
    again = "CREATE INDEX orders_by_customer ON orders (customer_id)"
    found = seen(database, [BY_CUSTOMER], DROP, "ALTER TABLE customers ADD x int", again)
    assert slow(found) == [("q.sql:1", GONE, "001", "003")]
    assert "from 001 on, until 003." in findings(found)[0][0].why


def test_each_statement_of_a_script_without_transaction(database: SandboxDatabase) -> None:
    script = """-- agentdb: no-transaction
SET lock_timeout = '2s';
DROP INDEX CONCURRENTLY orders_customer_id_idx;
CREATE INDEX CONCURRENTLY orders_customer_id_idx ON orders (total);
CREATE INDEX CONCURRENTLY back ON orders (customer_id);
"""
    found = seen(database, [BY_CUSTOMER], script)
    assert slow(found) == [("q.sql:1", GONE, "001:3", "001:5")]
    assert [c.line for c in found.changes] == [3]


def test_an_index_of_the_same_name_on_something_else(database: SandboxDatabase) -> None:
    found = seen(database, [BY_CUSTOMER], f"{DROP}; CREATE INDEX orders_customer_id_idx ON orders (total)")
    assert [c.what for c in found.changes] == [
        "index orders_customer_id_idx is another one now, and all of orders is read instead"
    ]


def test_an_index_that_begins_with_another_column_does_not_serve(database: SandboxDatabase) -> None:
    more = "CREATE INDEX wide ON orders (status, customer_id)"
    found = seen(database, [BY_CUSTOMER], DROP, "DROP INDEX wide", more=more)
    assert slow(found) == [
        (
            "q.sql:1",
            "index orders_customer_id_idx is gone, and wide, which begins with another column, is gone through instead",
            "001",
            "",
        )
    ]


def test_what_takes_an_index_along(database: SandboxDatabase) -> None:
    more = """
    CREATE INDEX by_status ON orders (status, note);
    ALTER TABLE customers ADD CONSTRAINT one_email UNIQUE (email);
    CREATE TABLE tags (id int, label text);
    CREATE INDEX tags_label ON tags (label);
    """
    by_email, by_status = "SELECT id FROM customers WHERE email = $1", "SELECT id FROM orders WHERE status = $1"
    found = seen(
        database,
        [by_email, by_status, "SELECT id FROM orders WHERE note = $1 AND status = $2", "SELECT id FROM tags WHERE label = $1"],
        "ALTER TABLE customers DROP CONSTRAINT one_email;\nALTER TABLE orders DROP COLUMN note;\nDROP TABLE tags;",
        more=more,
    )  # fmt: skip
    assert sorted((c.rule, c.subject, c.line) for c in found.changes) == [
        ("breaking-query", "q.sql:3", 2),
        ("breaking-query", "q.sql:4", 3),
        ("slowing-query", "q.sql:1", 1),
        ("slowing-query", "q.sql:2", 2),
    ]


def test_a_query_that_breaks_later_stays_what_it_was(database: SandboxDatabase) -> None:
    found = seen(database, [BY_CUSTOMER], DROP, "ALTER TABLE orders DROP COLUMN customer_id")
    assert slow(found) == [("q.sql:1", GONE, "001", "")]


@pytest.mark.parametrize(
    ("index", "query"),
    [
        ("(lower(note))", "SELECT id FROM orders o WHERE lower(o.note) = $1"),
        ("((total + 1), id)", "SELECT id FROM orders WHERE total + 1 = $1"),
        ("(customer_id) WHERE status = 'open'", "SELECT 1 FROM orders WHERE status = 'open' AND customer_id = $1"),
        ("(total) WHERE status = 'new'", "SELECT * FROM orders WHERE status = 'new' ORDER BY total LIMIT 5"),
        ("USING gist (place)", "SELECT id FROM orders ORDER BY place <-> $1 LIMIT 3"),
        ("USING hash (note)", "SELECT id FROM orders WHERE note = $1"),
        ("(total)", "SELECT max(total) FROM orders"),
        ("(total)", "SELECT id FROM orders WHERE id = $1 OR total = $2"),
        ("(total)", "DELETE FROM customers WHERE id IN (SELECT customer_id FROM orders WHERE total = ANY ($1))"),
        ("(total)", "WITH x AS (SELECT * FROM orders WHERE total > $1 FOR UPDATE) SELECT * FROM x"),
    ],
)
def test_indexes_of_all_kinds(database: SandboxDatabase, index: str, query: str) -> None:
    more = f"DROP INDEX orders_customer_id_idx; CREATE INDEX special ON orders {index}"
    found = seen(database, [query], "DROP INDEX special", more=more)
    assert slow(found) == [("q.sql:1", "index special is gone, and all of orders is read instead", "001", "")]


def test_a_partial_index_is_less_than_a_whole_one(database: SandboxDatabase) -> None:
    more = "CREATE INDEX few ON orders (total) WHERE status = 'open'"
    found = seen(database, ["SELECT id FROM orders WHERE status = 'open' AND customer_id = $1"], DROP, more=more)
    assert [c.what for c in found.changes] == [
        "index orders_customer_id_idx is gone, and all of index few is read instead"
    ]


def test_a_small_partial_index_hides_no_other(database: SandboxDatabase) -> None:
    """On empty tables the planner takes the smaller index; with rows it takes the one with the condition."""
    more = """
    ALTER TABLE orders ADD deleted_at timestamptz;
    CREATE UNIQUE INDEX live ON orders (note) WHERE deleted_at IS NULL;
    CREATE UNIQUE INDEX lively ON orders (status) WHERE deleted_at IS NULL;
    """
    queries = ["SELECT id FROM orders WHERE customer_id = $1 AND deleted_at IS NULL"]
    assert slow(seen(database, queries, "DROP INDEX live", more=more)) == []
    with database.connect() as conn:
        assert conn.execute("SELECT to_regclass('lively') IS NOT NULL").fetchone() == (True,)
        conn.execute("DROP TABLE customers, orders")
    again = "CREATE INDEX again ON orders (customer_id)"
    found = seen(database, queries, "DROP INDEX live", DROP, again, more=more)
    what = "index orders_customer_id_idx is gone, and all of index lively is read instead"
    assert slow(found) == [("q.sql:1", what, "002", "003")]


def test_rows_in_the_order_of_another_index(database: SandboxDatabase) -> None:
    """With few rows the planner likes to follow an order to its first match; with many it finds the rows and sorts."""
    queries = ["SELECT a FROM narrow WHERE b = $1 ORDER BY a DESC LIMIT 1"]
    more = "CREATE TABLE narrow (a int PRIMARY KEY, b int); CREATE INDEX narrow_b ON narrow (b)"
    found = seen(database, queries, "DROP INDEX narrow_b", more=more)
    assert slow(found) == [("q.sql:1", "index narrow_b is gone, and all of narrow is read instead", "001", "")]


def test_names_that_want_quotes_and_schemas(database: SandboxDatabase) -> None:
    more = """
    CREATE SCHEMA "Old Shop";
    CREATE TABLE "Old Shop"."My ""Orders" ("The Id" int, "b.c" text);
    CREATE INDEX "An ""Index" ON "Old Shop"."My ""Orders" ("The Id", "b.c");
    CREATE TABLE "My ""Orders" ("The Id" int);
    CREATE INDEX "An ""Index" ON "My ""Orders" ("The Id");
    """
    queries = [
        'SELECT 1 FROM "Old Shop"."My ""Orders" AS "x.y" WHERE "The Id" = $1',
        'SELECT 1 FROM "My ""Orders" WHERE "The Id" = $1',
    ]
    found = seen(database, queries, 'SELECT 1;\nDROP INDEX "Old Shop"."An ""Index";\nSELECT 2;', more=more)
    what = 'index "Old Shop"."An ""Index" is gone, and all of "Old Shop"."My ""Orders" is read instead'
    assert slow(found) == [("q.sql:1", what, "001", "")]
    assert [c.line for c in found.changes] == [2]


def test_a_partitioned_table_is_told_as_a_whole(database: SandboxDatabase) -> None:
    more = """
    CREATE TABLE events (day date, kind text) PARTITION BY RANGE (day);
    CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
    CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
    CREATE INDEX events_kind ON events (kind);
    CREATE INDEX events_day ON events (day);
    """
    queries = ["SELECT * FROM events WHERE kind = $1", "SELECT 1 FROM events_2 WHERE kind = $1"]
    queries += ["SELECT 1 FROM events WHERE day = $1", "SELECT 1 FROM events WHERE day = $1 AND kind = $2"]
    found = seen(database, queries, "ALTER TABLE events DETACH PARTITION events_1;\nDROP INDEX events_kind;", more=more)
    what = "index events_kind is gone, and all of events is read instead"
    assert slow(found) == [("q.sql:1", what, "001", ""), ("q.sql:2", what, "001", "")]
    assert {c.line for c in found.changes} == {2}


def test_a_partition_that_goes_takes_no_way_to_rows_along(database: SandboxDatabase) -> None:
    more = """
    CREATE TABLE events (day date, kind text) PARTITION BY RANGE (day);
    CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
    CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
    CREATE INDEX events_kind ON events (kind);
    """
    assert slow(seen(database, ["SELECT * FROM events WHERE kind = $1"], "DROP TABLE events_1", more=more)) == []


def test_through_a_view_and_twice_the_same_table(database: SandboxDatabase) -> None:
    more = "CREATE VIEW mine AS SELECT id, customer_id AS who FROM orders"
    queries = ["SELECT 1 FROM mine WHERE who = $1"]
    queries += ["SELECT 1 FROM orders a WHERE a.customer_id = $1 AND a.total > (SELECT avg(total) FROM orders)"]
    again = "CREATE INDEX again ON orders (customer_id)"
    found = seen(database, queries, f"{again}; {DROP}", "DROP INDEX again", more=more)
    assert slow(found) == [("q.sql:1", GONE, "002", ""), ("q.sql:2", GONE, "002", "")]


def test_a_query_that_the_server_does_not_plan_is_left_out(database: SandboxDatabase) -> None:
    more = "CREATE TABLE counted (n int PRIMARY KEY, m int)"
    queries = [
        BY_CUSTOMER,
        "INSERT INTO counted VALUES ($1, 1) ON CONFLICT (m) DO NOTHING",  # taken by Parse, refused by the planner
        "SELECT 1 FROM orders WHERE customer_id = 1 / 0",
    ]
    found = seen(database, queries, DROP, more=more)
    assert slow(found) == [("q.sql:1", GONE, "001", "")]


def test_nothing_of_a_query_is_run_and_planning_writes_nothing(database: SandboxDatabase) -> None:
    more = """
    CREATE TABLE trace (x int);
    CREATE FUNCTION writes() RETURNS bigint LANGUAGE plpgsql AS
      'BEGIN INSERT INTO trace VALUES (1); RETURN 1; END';
    CREATE FUNCTION ran() RETURNS bigint IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN writes(); END';
    INSERT INTO orders (id) VALUES (1);
    """
    queries = ["DELETE FROM orders WHERE customer_id = 1", "SELECT 1 FROM orders WHERE customer_id = ran()"]
    assert len(slow(seen(database, queries, DROP, more=more))) == 1
    with database.connect() as conn:
        assert conn.execute("SELECT count(*) FROM trace").fetchone() == (0,)


def test_it_is_asked_only_where_something_may_be_gone(
    database: SandboxDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    plain = indexes._scans

    def counting(conn: Any, query: Query, catalog: Any) -> Any:
        asked.append(query.place)
        return plain(conn, query, catalog)

    monkeypatch.setattr(indexes, "_scans", counting)
    queries = [BY_CUSTOMER, "SELECT email FROM customers WHERE id = $1", "SELECT nothing"]
    seen(database, queries, "ALTER TABLE customers ADD x int")
    assert asked == []
    with database.connect() as conn:
        conn.execute("DROP TABLE customers, orders")
    seen(database, queries, "ALTER TABLE customers DROP COLUMN email", DROP)
    assert asked == ["q.sql:1", "q.sql:2", "q.sql:1"]


def test_an_older_server_is_not_asked(database: SandboxDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexes, "SINCE", 10**9)
    assert slow(seen(database, [BY_CUSTOMER], DROP)) == []


def test_a_bitmap_of_two_indexes() -> None:
    """Both are needed for OR; for AND one is enough."""
    one = indexes.Index(1, "one", "t", "a", False, ("one",))
    part = indexes.Index(2, "part", "t", "b", True, ("part",))
    catalog = indexes.Catalog({("public", "one"): one, ("public", "part"): part}, {("public", "t"): 9})
    below = [
        {"Node Type": "Bitmap Index Scan", "Index Name": "one", "Index Cond": "(t.a = $1)"},
        {"Node Type": "Bitmap Index Scan", "Index Name": "part"},
    ]
    for kind, serves in (("BitmapAnd", indexes.WELL), ("BitmapOr", indexes.PARTLY)):
        plan = {"Node Type": "Bitmap Heap Scan", "Schema": "public", "Relation Name": "t"}
        [scan] = indexes._read({**plan, "Plans": [{"Node Type": kind, "Plans": below}]}, catalog)
        assert (scan.serves, scan.by) == (serves, (one, part))


@pytest.mark.parametrize(
    ("first", "condition", "begins"),
    [
        ("customer_id", "(orders.customer_id = $1)", True),
        ("customer_id", "((orders.old_customer_id = $1) AND (orders.customer_ids = 2))", False),
        ('"b.c"', '("x.y"."b.c" = $1)', True),
        ("lower(note)", "(lower(o.note) = $1)", True),
        ("shop.f(note)", "(shop.f(o.note) = $1)", True),
        ("((data ->> 'x'::text))", "((o.data ->> 'x'::text) = $1)", True),
        (None, "(orders.place <@ $1)", True),
    ],
)
def test_whether_a_condition_is_on_what_an_index_begins_with(first: str | None, condition: str, begins: bool) -> None:
    assert indexes._begins(first, condition) is begins
