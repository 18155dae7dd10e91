"""A rollout seen by the application's queries: on a real server, each break shown by the server itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from agentdb.errors import UsageError
from agentdb.tools.appcompat import corpus
from agentdb.tools.appcompat.findings import findings
from agentdb.tools.appcompat.model import NEW_CODE, Compatibility, Corpus, Query
from agentdb.tools.appcompat.rollout import Script, look
from agentdb.tools.sandbox.databases import SandboxDatabase

SCHEMA = """
CREATE TABLE customers (id bigint PRIMARY KEY, email text NOT NULL);
CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer_id bigint, total int, note text);
INSERT INTO customers SELECT n, 'x' FROM generate_series(1, 5) n;
CREATE VIEW big_orders AS SELECT id, total FROM orders WHERE total > 100;
"""
STAR, NAMED = "SELECT * FROM orders WHERE id = $1", "SELECT id, total FROM orders WHERE total > $1"
INSERT = "INSERT INTO orders (customer_id, total) VALUES ($1, $2)"
OTHER = "SELECT email FROM customers"


def seen(database: SandboxDatabase, queries: list[str], *migrations: str, schema: str = SCHEMA) -> Compatibility:
    with database.connect() as conn:
        conn.execute(schema.encode())
    scripts = [
        Script(f"{n:03}.sql", sql, f"{n:03}", no_transaction="no-transaction" in sql)
        for n, sql in enumerate(migrations, 1)
    ]
    return look(database, scripts, Corpus(tuple(Query(q, f"q.sql:{n}") for n, q in enumerate(queries, 1))))


def brief(found: Compatibility) -> list[tuple[Any, ...]]:
    return sorted((c.rule, c.subject, c.moment.label, c.sqlstate) for c in found.changes)


def test_a_dropped_column(database: SandboxDatabase) -> None:
    found = seen(
        database,
        [STAR, NAMED, INSERT, OTHER],
        "ALTER TABLE customers ADD x int;\nALTER TABLE orders DROP COLUMN total CASCADE;",
    )
    assert brief(found) == [
        ("breaking-prepared-statement", "q.sql:1", "001", "0A000"),
        ("breaking-query", "q.sql:2", "001", "42703"),
        ("breaking-query", "q.sql:3", "001", "42703"),
        ("changing-query-result", "q.sql:1", "001", ""),
        ("dropping-dependent-view", "view public.big_orders", "001", ""),
    ]
    assert {c.line for c in found.changes} == {2}  # the statement that did it, not the first of the file
    by_rule = {c.rule: c.what for c in found.changes}
    assert by_rule["breaking-prepared-statement"] == "cached plan must not change result type"
    assert by_rule["changing-query-result"] == '"total" is gone'
    assert found.prepared == 4 and found.moments == ("before", "001")


def test_the_server_says_the_same_when_it_runs_the_prepared_statement(database: SandboxDatabase) -> None:
    """What EXPLAIN EXECUTE tells is what EXECUTE meets."""
    with database.connect() as conn, database.connect() as other:
        conn.execute(SCHEMA.encode())
        conn.pgconn.prepare(b"kept", STAR.encode())
        other.execute("ALTER TABLE orders ADD COLUMN more int")
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="cached plan must not change result type"):
            conn.execute("EXECUTE kept (1)")


def test_an_added_column_and_types_of_results_and_parameters(database: SandboxDatabase) -> None:
    found = seen(
        database,
        [STAR, NAMED],
        "ALTER TABLE orders ADD COLUMN more int",
        "DROP VIEW big_orders; ALTER TABLE orders ALTER total TYPE bigint",
    )
    assert brief(found) == [
        ("breaking-prepared-statement", "q.sql:1", "001", "0A000"),
        ("breaking-prepared-statement", "q.sql:2", "002", "0A000"),
        ("changing-query-parameter", "q.sql:2", "002", ""),
        ("changing-query-result", "q.sql:1", "001", ""),
        ("changing-query-result", "q.sql:2", "002", ""),
    ]
    assert "$1 is bigint, was integer" in [c.what for c in found.changes]


def test_an_insert_that_leaves_out_what_is_needed_now(database: SandboxDatabase) -> None:
    queries = [
        INSERT,
        "INSERT INTO orders VALUES (DEFAULT, $1, $2, $3)",
        "INSERT INTO orders (customer_id, region) VALUES ($1, 'eu')",
    ]
    found = seen(database, queries, "ALTER TABLE orders ADD COLUMN region text NOT NULL")
    assert [c for c in brief(found) if c[0] == "failing-insert"] == [
        ("failing-insert", "q.sql:1", "001", "23502"),
        ("failing-insert", "q.sql:2", "001", "23502"),
    ]
    with database.connect() as conn, pytest.raises(psycopg.errors.NotNullViolation, match="region"):
        conn.execute("INSERT INTO orders (customer_id, total) VALUES (1, 2)")  # the server agrees
    assert ("needing-new-schema", "q.sql:3", "001", "42703") in brief(found)


def test_a_default_or_a_trigger_helps(database: SandboxDatabase) -> None:
    found = seen(database, [INSERT], "ALTER TABLE orders ADD COLUMN region text NOT NULL DEFAULT 'eu'")
    assert brief(found) == []
    filled = """
    CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := 'x'; RETURN NEW; END $$;
    CREATE TRIGGER fill BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION fill();
    ALTER TABLE orders ALTER note SET NOT NULL;
    """
    found = seen(database, [INSERT], filled, schema="SELECT 1")
    assert [(c.rule, c.proven) for c in found.changes] == [("failing-insert", False)]


def test_new_code_is_told_from_useless_text(database: SandboxDatabase) -> None:
    found = seen(
        database, ["SELECT region FROM orders", "SELECT nothing FROM nowhere"], "ALTER TABLE orders ADD region text"
    )
    [change] = found.changes
    assert (change.rule, change.direction, change.moment.label) == ("needing-new-schema", NEW_CODE, "001")
    assert found.left_out == (("q.sql:2", '42P01 relation "nowhere" does not exist'),)
    assert found.prepared == 1


def test_what_is_broken_only_in_between_says_until_when(database: SandboxDatabase) -> None:
    script = """-- agentdb: no-transaction
ALTER TABLE customers RENAME TO people;
CREATE VIEW customers AS SELECT * FROM people;
"""
    found = seen(database, [OTHER], script)
    [change] = found.changes
    assert (change.rule, change.moment.label, change.until, change.line) == ("breaking-query", "001:2", "001:3", 2)
    assert found.moments == ("before", "001:2", "001:3")
    together = seen(
        database,
        ["SELECT email FROM people"],
        script.replace("no-transaction", "x").replace("people", "persons").replace("customers", "people"),
        schema="DROP VIEW customers",
    )
    assert together.changes == ()


def test_functions_use_what_is_gone(database: SandboxDatabase) -> None:
    schema = (
        SCHEMA
        + """
    CREATE FUNCTION in_sql() RETURNS bigint LANGUAGE sql AS 'SELECT sum(total) FROM orders';
    CREATE FUNCTION in_plpgsql(p int) RETURNS bigint LANGUAGE plpgsql AS $$
      DECLARE n bigint; BEGIN SELECT sum(o.total) INTO n FROM orders o WHERE o.id = p; RETURN n; END $$;
    CREATE FUNCTION variable() RETURNS int LANGUAGE plpgsql AS $$
      DECLARE total int := 1; BEGIN PERFORM id FROM orders WHERE id = total; RETURN total; END $$;
    CREATE FUNCTION dynamic() RETURNS void LANGUAGE plpgsql AS $$
      BEGIN EXECUTE 'SELECT total FROM ' || 'orders'; END $$;
    CREATE FUNCTION trig() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.total > 1 THEN RETURN NEW; END IF; RETURN NULL; END $$;
    CREATE FUNCTION trig_in() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      UPDATE orders SET total = 1 WHERE id = NEW.id; RETURN NEW; END $$;
    CREATE FUNCTION trig_fine() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      INSERT INTO customers VALUES (NEW.id, TG_OP); RETURN NEW; END $$;
    CREATE TRIGGER trig BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION trig();
    CREATE FUNCTION fine() RETURNS text LANGUAGE sql AS 'SELECT email FROM customers';
    CREATE FUNCTION unwell() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT 1); END';
    """
    )
    found = seen(database, [], "ALTER TABLE orders DROP COLUMN total CASCADE", schema=schema)
    assert sorted((c.subject, c.proven, c.sqlstate) for c in found.changes) == [
        ("function public.dynamic()", False, ""),
        ("function public.in_plpgsql(p integer)", False, ""),
        ("function public.in_sql()", True, "42703"),
        ("function public.trig()", False, ""),
        ("function public.trig_in()", False, ""),
        ("view public.big_orders", True, ""),
    ]


def test_a_view_that_is_made_anew_is_well(database: SandboxDatabase) -> None:
    again = "CREATE VIEW big_orders AS SELECT id FROM orders"
    found = seen(database, [], f"ALTER TABLE orders DROP COLUMN total CASCADE; {again}")
    assert found.changes == ()


def test_a_function_that_the_migration_replaces_is_well(database: SandboxDatabase) -> None:
    schema = SCHEMA + "CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS 'SELECT sum(total) FROM orders';"
    new = "CREATE OR REPLACE FUNCTION f() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM orders'"
    drop = "DROP VIEW big_orders; ALTER TABLE orders DROP COLUMN total"
    assert seen(database, [], f"{drop}; {new}", schema=schema).changes == ()


def test_a_migration_that_fails_ends_the_look_and_says_so(database: SandboxDatabase) -> None:
    found = seen(database, [NAMED], "ALTER TABLE nowhere ADD x int", "ALTER TABLE orders DROP COLUMN total CASCADE")
    assert found.changes == () and found.moments == ("before",)
    assert "001 does not run in the sandbox" in found.broken_off


def test_rows_do_not_stand_in_the_way(database: SandboxDatabase) -> None:
    found = seen(database, [OTHER], "ALTER TABLE customers ADD x int NOT NULL")
    assert not found.broken_off and len(found.moments) == 2


def test_nothing_of_a_query_is_run(database: SandboxDatabase) -> None:
    hostile = [
        "DELETE FROM customers RETURNING *",
        "WITH gone AS (DELETE FROM customers RETURNING *) SELECT * FROM gone",
        "SELECT id FROM customers; DROP TABLE customers",
        "SELECT *, ran() FROM customers",
    ]
    schema = (
        SCHEMA
        + """
    CREATE TABLE trace (x int);
    CREATE FUNCTION ran() RETURNS int LANGUAGE sql AS 'INSERT INTO trace VALUES (1) RETURNING x';
    """
    )
    found = seen(database, hostile, "ALTER TABLE customers ADD x int", schema=schema)
    assert {c.rule for c in found.changes} == {"changing-query-result", "breaking-prepared-statement"}
    with database.connect() as conn:
        assert conn.execute("SELECT count(*) FROM trace").fetchone() == (0,)
        assert conn.execute("SELECT to_regclass('customers') IS NOT NULL").fetchone() == (True,)
    assert found.left_out == (("q.sql:3", "42601 cannot insert multiple commands into a prepared statement"),)


# -- the corpus


def test_a_folder_of_queries(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.sql").write_text(
        "-- name: One :one\nSELECT * FROM orders WHERE id = $1;\n\nSET x.y = 1;\nSELECT now();\n"
    )
    (tmp_path / "b.sql").write_text("SELECT * FROM orders WHERE id = :id;")
    (tmp_path / "c.sql").write_text("SELECT pg_read_file('/etc/passwd'), o.* FROM orders o; SELECT * FROM pg_class;")
    (tmp_path / "d.sql").write_bytes(b"SELECT '\xff'")
    (tmp_path / "e.sql").write_bytes(b"SELECT 1 FROM orders\0; DROP TABLE orders")
    (tmp_path / "sub/f.sql").write_text("UPDATE orders SET note = $1")
    found = corpus.from_folder(tmp_path, root=tmp_path)
    assert [(q.place, q.text) for q in found.queries] == [
        ("a.sql:2", "SELECT * FROM orders WHERE id = $1"),
        ("a.sql:5", "SELECT now()"),
        ("sub/f.sql:1", "UPDATE orders SET note = $1"),
    ]
    assert dict(found.left_out) == {
        "a.sql:4": "SET is no query",
        "b.sql:1": "PostgreSQL does not understand it; write placeholders as $1, $2",
        "c.sql:1": "it reads the server's own tables alone",
        "d.sql": "it cannot be read: UnicodeDecodeError",
        "e.sql": "it holds a NUL byte",
    }
    with pytest.raises(UsageError, match="not a folder"):
        corpus.from_folder(tmp_path / "none")


def test_findings_name_cause_direction_and_places(database: SandboxDatabase) -> None:
    queries = [NAMED, "SELECT total FROM orders", "SELECT max(total) FROM orders", "SELECT min(total) FROM orders"]
    found = seen(database, queries, "ALTER TABLE orders DROP COLUMN total CASCADE")
    [finding, view], evidence = findings(found)
    assert (view.rule, view.why) == (
        "dropping-dependent-view",
        "view public.big_orders goes with what it reads: it is gone, and no statement names it. From 001 on.",
    )
    assert (finding.rule, finding.severity, finding.proof, finding.path, finding.line) == (
        "breaking-query", "error", "CONFIRMED", "001.sql", 1,
    )  # fmt: skip
    assert finding.why == (
        '4 queries of the application (q.sql:1, q.sql:2, q.sql:3 and 1 more) are refused: column "total" does not exist'
        " [42703]. Old code against the new schema: from 001 on, for as long as that code runs."
    )
    assert finding.evidence == ("Q-0001", "Q-0002", "Q-0003", "Q-0004")
    assert evidence[0].result["direction"] == "old code, new schema"
    assert [f.rule for f in findings(found, severity={"breaking-query": "off"})[0]] == ["dropping-dependent-view"]
