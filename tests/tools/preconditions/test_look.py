"""What a plan asks of a target's rows, and what the target says: each kind on a real server, broken and kept."""

from __future__ import annotations

from typing import Any

import pytest

from agentdb.tools.preconditions.ask import look
from agentdb.tools.preconditions.derive import Part
from agentdb.tools.preconditions.model import Answer, State
from agentdb.tools.sandbox.databases import SandboxDatabase
from agentdb.tools.sql.parse import parse

SHOP = """
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE DOMAIN percent AS integer;
CREATE TABLE customers (id bigint PRIMARY KEY, email text);
CREATE TABLE orders (
    id bigint PRIMARY KEY, customer_id bigint, region text, code text, note varchar(40), total numeric, weight float8,
    big bigint, day text, feel text, rate percent, during int4range, room int
);
INSERT INTO customers VALUES (1, 'a@x.org'), (2, 'A@x.org'), (3, NULL);
INSERT INTO orders VALUES
    (1, 1, 'eu', 'a', 'short', 10.5, 1.5, 1, '2024-01-01', 'ok', 10, '[1,5)', 1),
    (2, 9, 'eu', 'a', 'a much longer note', 123456.7, 1e300, 3000000000, '2024-02-31', 'glad', 110, '[4,9)', 1),
    (3, NULL, NULL, 'b', NULL, NULL, NULL, NULL, NULL, NULL, NULL, '[9,12)', 1);
CREATE TABLE events (at date NOT NULL, kind text) PARTITION BY RANGE (at);
CREATE TABLE events_rest PARTITION OF events DEFAULT;
CREATE TABLE events_2024 (at date NOT NULL, kind text);
INSERT INTO events_rest VALUES ('2025-03-01', 'x'), ('2026-01-01', 'y');
INSERT INTO events_2024 VALUES ('2024-05-01', 'x'), ('2024-01-01', 'x'), ('2023-12-31', 'y');
CREATE FUNCTION mine(text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN DELETE FROM customers; RETURN true; END $$;
ALTER TABLE orders ADD CONSTRAINT waiting CHECK (total < 1000) NOT VALID;
ANALYZE;
"""


def ask(database: SandboxDatabase, *scripts: str, timeout_ms: int = 10_000) -> list[Answer]:
    parts = [Part(f"{number:03}.sql", parse(sql).statements) for number, sql in enumerate(scripts, 1)]
    with database.connect() as conn:
        return list(look(conn, parts, timeout_ms=timeout_ms))


def brief(answers: list[Answer]) -> list[tuple[Any, ...]]:
    return [(a.asked.kind, a.state.value, a.count) for a in answers]


@pytest.fixture(scope="module")
def shop(server: Any) -> Any:
    with server.create() as made:
        with made.connect() as conn:
            conn.execute(SHOP)
        yield made


CASES = [
    ("ALTER TABLE customers ALTER email SET NOT NULL", [("nulls", "violated", 1)]),
    ("ALTER TABLE customers ALTER id SET NOT NULL", []),
    ("ALTER TABLE customers ADD CONSTRAINT n NOT NULL email", [("nulls", "violated", 1)]),
    ("ALTER TABLE orders ADD UNIQUE (code)", [("duplicates", "violated", 1)]),
    ("ALTER TABLE customers ADD UNIQUE (email)", [("duplicates", "satisfied", 0)]),
    ("CREATE UNIQUE INDEX u ON customers (lower(email))", [("duplicates", "violated", 1)]),
    ("CREATE UNIQUE INDEX u ON orders (code) WHERE region IS NULL", [("duplicates", "satisfied", 0)]),
    ("CREATE UNIQUE INDEX CONCURRENTLY u ON orders (region, code)", [("duplicates", "violated", 1)]),
    ("CREATE INDEX u ON orders (code)", []),
    ("ALTER TABLE orders ADD UNIQUE NULLS NOT DISTINCT (note, big)", [("duplicates", "satisfied", 0)]),
    ("CREATE UNIQUE INDEX u ON customers (mine(email))", [("duplicates", "unknown", None)]),
    (
        "ALTER TABLE orders ADD CONSTRAINT p PRIMARY KEY (region, id)",
        [("nulls", "violated", 1), ("duplicates", "satisfied", 0)],
    ),
    ("ALTER TABLE orders ADD FOREIGN KEY (customer_id) REFERENCES customers", [("orphans", "violated", 1)]),
    ("ALTER TABLE orders ADD FOREIGN KEY (customer_id) REFERENCES customers NOT VALID", []),
    ("ALTER TABLE orders ADD FOREIGN KEY (id) REFERENCES customers (id)", [("orphans", "satisfied", 0)]),
    ("ALTER TABLE orders ADD CHECK (total > 100)", [("violators", "violated", 1)]),
    ("ALTER TABLE orders ADD CHECK (total > 1 AND region IN ('eu', 'us'))", [("violators", "satisfied", 0)]),
    ("ALTER TABLE orders ADD CHECK (mine(code))", [("violators", "unknown", None)]),
    ("ALTER TABLE orders ADD CHECK (random() < 2)", [("violators", "unknown", None)]),
    ("ALTER TABLE orders ADD CHECK (pg_sleep(9) IS NULL)", [("violators", "unknown", None)]),
    ("ALTER TABLE orders VALIDATE CONSTRAINT waiting", [("violators", "violated", 1)]),
    ("ALTER DOMAIN percent ADD CHECK (VALUE <= 100)", [("domain-violators", "violated", 1)]),
    ("ALTER DOMAIN percent SET NOT NULL", [("domain-violators", "violated", 1)]),
    ("ALTER DOMAIN percent ADD CHECK (VALUE <= 200)", [("domain-violators", "satisfied", 0)]),
    ("ALTER TABLE orders ALTER code TYPE int USING code::int", [("conversions", "violated", 3)]),
    ("ALTER TABLE orders ALTER feel TYPE mood USING feel::mood", [("conversions", "violated", 1)]),
    ("ALTER TABLE orders ALTER day TYPE date USING day::date", [("conversions", "violated", 1)]),
    ("ALTER TABLE orders ALTER day TYPE date USING nullif(day, '2024-02-31')::date", [("conversions", "satisfied", 0)]),
    ("ALTER TABLE orders ALTER day TYPE date USING to_date(day, 'YYYY-MM-DD')", [("conversions", "violated", 1)]),
    ("ALTER TABLE orders ALTER feel TYPE uuid USING mine(feel)::text::uuid", [("conversions", "unknown", None)]),
    ("ALTER TABLE orders ALTER note TYPE varchar(10)", [("too-long", "violated", 1)]),
    ("ALTER TABLE orders ALTER note TYPE varchar(20)", [("too-long", "satisfied", 0)]),
    ("ALTER TABLE orders ALTER note TYPE varchar(50)", []),
    ("ALTER TABLE orders ALTER note TYPE varchar(10) USING note::varchar(10)", [("cut", "violated", 1)]),
    ("ALTER TABLE orders ALTER big TYPE int", [("out-of-range", "violated", 1)]),
    ("ALTER TABLE orders ALTER id TYPE int", [("out-of-range", "satisfied", 0)]),
    ("ALTER TABLE orders ALTER room TYPE bigint", []),
    (
        "ALTER TABLE orders ALTER total TYPE numeric(6,0)",
        [("out-of-range", "satisfied", 0), ("cut", "violated", 2)],
    ),
    (
        "ALTER TABLE orders ALTER total TYPE numeric(6,2)",
        [("out-of-range", "violated", 1), ("cut", "satisfied", 0)],
    ),
    (
        "ALTER TABLE orders ALTER weight TYPE int",
        [("out-of-range", "violated", 1), ("cut", "violated", 1)],
    ),
    ("ALTER TABLE orders ALTER weight TYPE real", [("conversions", "violated", 1)]),
    (
        "ALTER TABLE orders ADD EXCLUDE USING gist (during WITH &&)",
        [("overlaps", "violated", 1)],
    ),
    ("ALTER TABLE orders ADD EXCLUDE USING gist (during WITH &&) WHERE (id > 1)", [("overlaps", "satisfied", 0)]),
    (
        "ALTER TABLE events ATTACH PARTITION events_2024 FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')",
        [("outside", "violated", 1), ("default-rows", "satisfied", 0)],
    ),
    (
        "CREATE TABLE e25 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')",
        [("default-rows", "violated", 1)],
    ),
    ("ALTER TABLE orders ADD COLUMN x int NOT NULL", [("rows", "violated", 3)]),
    ("ALTER TABLE orders ADD COLUMN x int NOT NULL DEFAULT 0", []),
    ("ALTER TABLE orders ADD COLUMN x int DEFAULT 0 UNIQUE", [("rows", "violated", 2)]),
    ("DROP TABLE orders", [("lost", "violated", 3)]),
    ("ALTER TABLE orders DROP COLUMN region", [("lost", "violated", 2)]),
    ("TRUNCATE customers", [("lost", "violated", 3)]),
]


@pytest.mark.parametrize(("sql", "expected"), CASES, ids=[c[0] for c in CASES])
def test_what_the_rows_are_like(shop: Any, sql: str, expected: list[tuple[Any, ...]]) -> None:
    assert brief(ask(shop, sql)) == expected


@pytest.mark.parametrize(("sql", "expected"), CASES, ids=[c[0] for c in CASES])
def test_the_server_agrees(shop: Any, sql: str, expected: list[tuple[Any, ...]]) -> None:
    """What is called violated fails, what is called satisfied does not; information never fails."""
    import psycopg

    told = ("lost", "cut")
    states = [state for kind, state, _ in expected if kind not in told]
    if "unknown" in states or "CONCURRENTLY" in sql:
        return
    with shop.connect() as conn, conn.transaction(force_rollback=True):
        if "PRIMARY KEY" in sql:
            conn.execute("ALTER TABLE orders DROP CONSTRAINT orders_pkey")
        try:
            conn.execute(sql)
            failed = ""
        except psycopg.Error as error:
            failed = error.sqlstate or "?"
    assert failed[:2] in ("", "22", "23")
    assert bool(failed) is ("violated" in states)


EARLIER = [
    "UPDATE customers SET email = 'x' WHERE email IS NULL",
    "DELETE FROM customers WHERE email IS NULL",
    "TRUNCATE customers",
    "ALTER TABLE customers ALTER email TYPE varchar(100)",
    "ALTER TABLE customers RENAME COLUMN email TO mail; ALTER TABLE customers RENAME COLUMN mail TO email",
    "DO $$ BEGIN UPDATE customers SET email = ''; END $$",
    "SELECT mine('x')",
    "WITH gone AS (DELETE FROM customers RETURNING id) SELECT count(*) FROM gone",
    "SET search_path = elsewhere",
    "DROP TABLE customers; CREATE TABLE customers (email text)",
    "ALTER TABLE orders ADD COLUMN x boolean DEFAULT mine('x')",
    "ALTER TABLE customers ADD CONSTRAINT up FOREIGN KEY (id) REFERENCES orders ON DELETE CASCADE; DELETE FROM orders",
    "SELECT set_config('search_path', 'elsewhere', false)",
]


@pytest.mark.parametrize("earlier", EARLIER)
def test_what_an_earlier_statement_changes_is_not_asked(shop: Any, earlier: str) -> None:
    last = "ALTER TABLE customers ALTER email SET NOT NULL"
    for scripts in ((f"{earlier};\n{last};",), (earlier, last)):
        found = [a for a in ask(shop, *scripts) if a.asked.kind == "nulls"]
        assert all(
            a.state is State.UNKNOWN and "an earlier statement changes it (001.sql:1)" in a.reason for a in found
        )
        assert found or "DROP TABLE" in earlier


def test_what_does_not_concern_it_leaves_it_asked(shop: Any) -> None:
    harmless = """
    SET lock_timeout = '2s'; CREATE EXTENSION IF NOT EXISTS pg_trgm; SELECT setval('orders_id_seq', 9), gen_random_uuid();
    ALTER TABLE orders ADD COLUMN tag uuid DEFAULT gen_random_uuid(); CREATE TABLE other (id int); INSERT INTO other VALUES (1);
    UPDATE customers SET id = id + 10; ALTER TABLE customers ADD COLUMN x int; CREATE INDEX i ON customers (id);
    ALTER TABLE customers ALTER email SET NOT NULL;
    """
    assert brief(ask(shop, harmless)) == [("nulls", "violated", 1)]


def test_an_enum_that_the_plan_makes(shop: Any) -> None:
    sql = """
    CREATE TYPE temper AS ENUM ('ok'); ALTER TYPE temper ADD VALUE 'glad';
    ALTER TABLE orders ALTER feel TYPE temper USING feel::temper;
    """
    assert brief(ask(shop, sql)) == [("labels", "satisfied", 0)]
    assert brief(ask(shop, sql.replace("'glad'", "'angry'"))) == [("labels", "violated", 1)]


def test_a_foreign_key_to_a_table_that_the_plan_makes(shop: Any) -> None:
    sql = "CREATE TABLE regions (name text PRIMARY KEY);{} ALTER TABLE orders ADD FOREIGN KEY (region) REFERENCES regions;"
    assert brief(ask(shop, sql.format(""))) == [("orphans", "violated", 2)]
    assert brief(ask(shop, sql.format(" INSERT INTO regions VALUES ('eu');"))) == [("orphans", "unknown", None)]


def test_strings_of_an_extension(shop: Any) -> None:
    with shop.connect() as conn:
        conn.execute("CREATE SCHEMA ext; CREATE EXTENSION citext SCHEMA ext")
        conn.execute(
            "CREATE TABLE tags (name ext.citext, plain text); INSERT INTO tags VALUES ('a long one', 'x'), ('A', 'X')"
        )
    assert brief(ask(shop, "ALTER TABLE tags ALTER plain TYPE ext.citext")) == []
    assert brief(ask(shop, "ALTER TABLE tags ALTER name TYPE varchar(5)")) == [("too-long", "violated", 1)]
    assert brief(ask(shop, "ALTER TABLE tags ADD UNIQUE (name)")) == [("duplicates", "satisfied", 0)]
    assert brief(ask(shop, "ALTER TABLE tags ADD CHECK (name <> 'a')")) == [("violators", "unknown", None)]
    with shop.connect() as conn:
        conn.execute("INSERT INTO tags VALUES ('a')")
    assert brief(ask(shop, "ALTER TABLE tags ADD UNIQUE (name)")) == [("duplicates", "violated", 1)]


def test_a_column_becomes_a_domain(shop: Any) -> None:
    with shop.connect() as conn:
        conn.execute("CREATE DOMAIN small AS text CHECK (length(VALUE) < 3) NOT NULL")
        conn.execute("CREATE DOMAIN nasty AS text CHECK (pg_read_file(VALUE) IS NULL)")
        conn.execute("CREATE DOMAIN foreign_one AS text CHECK (mine(VALUE))")
    assert brief(ask(shop, "ALTER TABLE orders ALTER code TYPE small")) == [("conversions", "satisfied", 0)]
    assert brief(ask(shop, "ALTER TABLE orders ALTER day TYPE small")) == [("conversions", "violated", 1)]
    for name in ("nasty", "foreign_one"):
        [answer] = ask(shop, f"ALTER TABLE orders ALTER code TYPE {name}")
        assert answer.state is State.UNKNOWN and not answer.asked.sql


def test_names_that_need_quotes_and_other_schemas(shop: Any) -> None:
    with shop.connect() as conn:
        conn.execute('CREATE SCHEMA "Od d"; CREATE TABLE "Od d"."Order; Line" ("a b" int, "100%" text)')
        conn.execute('INSERT INTO "Od d"."Order; Line" VALUES (NULL, \'50%\')')
    for sql, expected in (
        ('ALTER TABLE "Od d"."Order; Line" ALTER "a b" SET NOT NULL', ("nulls", "violated", 1)),
        ('ALTER TABLE "Od d"."Order; Line" ADD UNIQUE ("a b", "100%")', ("duplicates", "satisfied", 0)),
        ('ALTER TABLE "Od d"."Order; Line" ADD CHECK ("100%" NOT LIKE \'50%\')', ("violators", "violated", 1)),
        ('ALTER TABLE "Od d"."Order; Line" ALTER "100%" TYPE int USING "100%"::int', ("conversions", "violated", 1)),
        ('ALTER TABLE "Od d"."Order; Line" ADD CHECK ("Order; Line"."a b" > 0)', ("violators", "satisfied", 0)),
    ):
        assert brief(ask(shop, sql)) == [expected], sql


def test_inheritance_and_partitions(shop: Any) -> None:
    with shop.connect() as conn:
        conn.execute("CREATE TABLE base (a int, b int); CREATE TABLE heir () INHERITS (base)")
        conn.execute("INSERT INTO heir VALUES (NULL, 1), (2, 1)")
    assert brief(ask(shop, "ALTER TABLE base ALTER a SET NOT NULL")) == [("nulls", "violated", 1)]
    assert brief(ask(shop, "ALTER TABLE base ADD UNIQUE (b)")) == [
        ("duplicates", "satisfied", 0)
    ]  # of the parent alone
    assert brief(ask(shop, "ALTER TABLE events ALTER kind SET NOT NULL")) == [("nulls", "satisfied", 0)]
    # what is written through a partition is not known of the whole
    earlier = "UPDATE events_rest SET kind = NULL; ALTER TABLE events ALTER kind SET NOT NULL"
    assert brief(ask(shop, earlier)) == [("nulls", "unknown", None)]


BOUNDS = [
    ("RANGE (a)", "FROM (2) TO (4)"),
    ("RANGE (a)", "FROM (MINVALUE) TO (3)"),
    ("RANGE (a, b)", "FROM (2, 2) TO (3, 1)"),
    ("RANGE (a, b)", "FROM (2, MAXVALUE) TO (4, MINVALUE)"),
    ("RANGE (a, b)", "FROM (MINVALUE, MINVALUE) TO (2, MAXVALUE)"),
    ("LIST (c)", "IN ('x', NULL)"),
    ("LIST (c)", "IN ('y', 'z')"),
    ("HASH (a)", "WITH (MODULUS 3, REMAINDER 1)"),
    ("HASH (a, c)", "WITH (MODULUS 2, REMAINDER 0)"),
]


@pytest.mark.parametrize(("key", "bound"), BOUNDS, ids=[" ".join(b) for b in BOUNDS])
def test_bounds_are_those_that_the_server_works_out(shop: Any, key: str, bound: str) -> None:
    """The oracle is the server's own condition of such a partition (pg_get_partition_constraintdef)."""
    with shop.connect() as conn:
        conn.execute(f"CREATE TABLE whole (a int, b int, c text) PARTITION BY {key}")
        conn.execute(f"CREATE TABLE part PARTITION OF whole FOR VALUES {bound}")
        row = conn.execute("SELECT pg_get_partition_constraintdef('part'::regclass)").fetchone()
        conn.execute("DROP TABLE part")
        conn.execute("CREATE TABLE rows (a int, b int, c text)")
        conn.execute(
            "INSERT INTO rows SELECT a, b, c FROM unnest(ARRAY[NULL, 1, 2, 3, 4]) a, unnest(ARRAY[NULL, 0, 1, 2]) b,"
            " unnest(ARRAY[NULL, 'x', 'y']) c"
        )
        assert row
        expected = conn.execute(f"SELECT count(*) FROM rows WHERE ({row[0]}) IS NOT TRUE").fetchone()
    try:
        [answer] = ask(shop, f"ALTER TABLE whole ATTACH PARTITION rows FOR VALUES {bound}")
        assert (answer.asked.kind, answer.count) == ("outside", expected[0] if expected else None), row[0]
    finally:
        with shop.connect() as conn:
            conn.execute("DROP TABLE whole, rows")


def test_nothing_to_ask_of_what_is_not_there_or_not_understood(shop: Any) -> None:
    assert brief(ask(shop, "ALTER TABLE nowhere ALTER a SET NOT NULL")) == [("rows", "unknown", None)]
    assert brief(ask(shop, "ALTER TABLE IF EXISTS orders ALTER none SET NOT NULL")) == []
    assert brief(ask(shop, "DROP TABLE IF EXISTS nowhere")) == []
    assert brief(ask(shop, "CREATE TABLE fresh (a int); ALTER TABLE fresh ALTER a SET NOT NULL")) == []
    assert [a.state.value for a in ask(shop, "ALTER TALBE x; ALTER TABLE customers ALTER email SET NOT NULL")] == [
        "unknown"
    ]
    assert brief(ask(shop, "ALTER TABLE orders ADD CHECK ((SELECT true))")) == [("violators", "unknown", None)]


def test_match_full_and_validation_in_another_file(shop: Any) -> None:
    key = "ALTER TABLE orders ADD CONSTRAINT k FOREIGN KEY (id, customer_id) REFERENCES customers (id, id) MATCH {} NOT VALID"
    validate = "ALTER TABLE orders VALIDATE CONSTRAINT k"
    assert brief(ask(shop, key.format("SIMPLE"), validate)) == [("orphans", "violated", 1)]
    assert brief(ask(shop, key.format("FULL"), validate)) == [("orphans", "violated", 2)]


def test_constraints_that_are_there_and_not_checked_yet(shop: Any) -> None:
    with shop.connect() as conn:
        if conn.info.server_version < 180000:
            pytest.skip("NOT NULL NOT VALID and ENFORCED are of 18")
        conn.execute("CREATE TABLE late (a int, b bigint, c int); INSERT INTO late VALUES (NULL, 99, 1)")
        conn.execute("ALTER TABLE late ADD CONSTRAINT a_set NOT NULL a NOT VALID")
        conn.execute("ALTER TABLE late ADD CONSTRAINT b_there FOREIGN KEY (b) REFERENCES customers NOT ENFORCED")
        conn.execute("ALTER TABLE late ADD CONSTRAINT c_fine CHECK (c > 0) NOT VALID")
    assert brief(ask(shop, "ALTER TABLE late VALIDATE CONSTRAINT a_set")) == [("nulls", "violated", 1)]
    assert brief(ask(shop, "ALTER TABLE late ALTER a SET NOT NULL")) == [("nulls", "violated", 1)]
    assert brief(ask(shop, "ALTER TABLE late ALTER CONSTRAINT b_there ENFORCED")) == [("orphans", "violated", 1)]
    assert brief(ask(shop, "ALTER TABLE late VALIDATE CONSTRAINT c_fine")) == [("violators", "satisfied", 0)]
    assert brief(ask(shop, "ALTER TABLE late VALIDATE CONSTRAINT none")) == []


def test_hostile_text_is_never_run(shop: Any) -> None:
    for sql in (
        "ALTER TABLE orders ADD CHECK (mine(code))",
        "ALTER TABLE orders ADD CHECK (public.mine(code))",
        "ALTER TABLE orders ALTER code TYPE text USING (mine(code))::text",
        "ALTER TABLE orders ADD CHECK (query_to_xml('DELETE FROM customers', true, true, '') IS NULL)",
        "ALTER TABLE orders ADD CHECK (set_config('transaction_read_only', 'off', true) = 'off')",
        "CREATE UNIQUE INDEX u ON orders ((pg_read_file('/etc/passwd')))",
    ):
        [answer] = ask(shop, sql)
        assert answer.state is State.UNKNOWN and not answer.asked.sql, sql
    with shop.connect() as conn:
        assert conn.execute("SELECT count(*) FROM customers").fetchone() == (3,)


def test_a_question_that_takes_too_long_is_not_begun(shop: Any) -> None:
    with shop.connect() as conn:
        conn.execute("CREATE TABLE large (a int)")
        conn.execute("UPDATE pg_class SET reltuples = 1e9 WHERE relname = 'large'")
    [answer] = ask(shop, "ALTER TABLE large ALTER a SET NOT NULL")
    assert (answer.state, answer.ms) == (State.UNKNOWN, 0.0)
    assert answer.reason == "about 1,000,000,000 rows to read, some 667 s where 10 s are allowed"
    assert answer.asked.sql.startswith("SELECT count(*)")


def test_a_question_waits_for_nobody(shop: Any) -> None:
    with shop.connect() as other, other.transaction():
        other.execute("LOCK TABLE customers")
        [answer] = ask(shop, "ALTER TABLE customers ALTER email SET NOT NULL")
    assert (answer.state, answer.reason) == (State.UNKNOWN, "it would have had to wait for a lock")


def test_more_than_the_limit_is_at_least(shop: Any) -> None:
    with shop.connect() as conn:
        conn.execute("CREATE TABLE many AS SELECT NULL::int AS a FROM generate_series(1, 1500)")
    [answer] = ask(shop, "ALTER TABLE many ALTER a SET NOT NULL")
    assert (answer.count, answer.capped) == (1_000, True)
    assert answer.line == "rows of public.many with NULL in a: at least 1,000"


def test_rows_that_row_security_hides_are_not_called_clean(shop: Any) -> None:
    with shop.connect() as conn:
        conn.execute("CREATE TABLE hidden (a int); INSERT INTO hidden VALUES (NULL)")
        conn.execute("ALTER TABLE hidden ENABLE ROW LEVEL SECURITY")
        conn.execute("CREATE ROLE agentdb_test_seer; GRANT SELECT ON hidden TO agentdb_test_seer")
    try:
        with shop.connect(role="agentdb_test_seer") as conn:
            parts = [Part("a.sql", parse("ALTER TABLE hidden ALTER a SET NOT NULL").statements)]
            [answer] = look(conn, parts)
        assert answer.state is State.UNKNOWN
    finally:
        with shop.connect() as conn:
            conn.execute("DROP TABLE hidden; DROP ROLE agentdb_test_seer")


def test_no_value_of_a_row_is_told(shop: Any) -> None:
    every = ask(shop, *(sql for sql, _ in CASES))
    for answer in every + [a for sql, _ in CASES for a in ask(shop, sql)]:
        assert not any(value in f"{answer.line} {answer.reason}" for value in ("much longer", "x.org", "123456"))
