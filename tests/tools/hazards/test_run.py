"""Statements, transactions and bodies on their way through the rules."""

from __future__ import annotations

import pytest

from agentdb.tools.hazards.context import Context
from agentdb.tools.hazards.run import Session, check, numbered
from agentdb.tools.records import Finding
from agentdb.tools.sql.parse import parse

QUIET = {"require-lock-timeout", "locking-several-tables", "unbatched-backfill"}


def findings(sql: str, *, wrapped: bool = False, setup: str = "", **more: object) -> list[Finding]:
    context = Context(
        in_transaction=wrapped,
        setup=(parse(setup),) if setup else (),
        schema_complete=bool(setup),
        lock_timeout_set=True,
        **more,  # type: ignore[arg-type]
    )
    return [f for f in check(parse(sql), path="x.sql", context=context) if f.rule not in QUIET]


def raised(sql: str, **more: object) -> list[tuple[int, str]]:
    return [(f.line, f.rule) for f in findings(sql, **more)]  # type: ignore[arg-type]


# -- the change itself makes things that nobody uses yet


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE t (id bigint PRIMARY KEY, a int);\nCREATE INDEX i ON t (a);",
        "CREATE TABLE t (id bigint PRIMARY KEY, a int);\nALTER TABLE t ALTER COLUMN a TYPE bigint, ADD CHECK (a > 0);",
        "CREATE TABLE public.t (id bigint PRIMARY KEY);\nDROP TABLE t;",
        'CREATE TABLE t (id bigint PRIMARY KEY);\nALTER TABLE t RENAME TO "T 2";\nCREATE INDEX i ON "T 2" (id);',
        "CREATE TEMP TABLE t AS SELECT 1 AS a;\nUPDATE t SET a = 2;\nTRUNCATE t;",
        "SELECT 1 AS a INTO t;\nDELETE FROM t;",
        "CREATE MATERIALIZED VIEW m AS SELECT 1 AS a;\nCREATE UNIQUE INDEX i ON m (a);\nREFRESH MATERIALIZED VIEW m;",
        "CREATE SCHEMA s;\nDROP SCHEMA s;",
        "DO $$ BEGIN CREATE TABLE t (id bigint PRIMARY KEY); END $$;\nCREATE INDEX i ON t (id);",
    ],
)
def test_what_the_script_makes_is_exempt(sql: str) -> None:
    assert raised(sql) == []


def test_a_table_of_an_earlier_script_is_new_until_the_change_ends() -> None:
    session = Session(Context(in_transaction=False, lock_timeout_set=True))
    assert not session.check(parse("CREATE TABLE t (id bigint PRIMARY KEY, b int, c int);"))
    assert not session.check(parse("CREATE INDEX i ON t (b);"))
    session.age()
    assert [f.rule for f in session.check(parse("CREATE INDEX j ON t (c);"))] == ["require-concurrent-index"]


def test_if_not_exists_on_a_known_table_makes_nothing() -> None:
    setup = "CREATE TABLE t (id bigint PRIMARY KEY, b int);"
    sql = "CREATE TABLE IF NOT EXISTS t (id bigint PRIMARY KEY, b int);\nCREATE INDEX i ON t (b);"
    assert raised(sql, setup=setup) == [(2, "require-concurrent-index")]


# -- facts carry from statement to statement


def test_a_check_validated_earlier_spares_the_scan_of_set_not_null() -> None:
    setup = "CREATE TABLE t (a int, CONSTRAINT a_set CHECK (a IS NOT NULL AND a > 0));"
    assert raised("ALTER TABLE t ALTER a SET NOT NULL;", setup=setup) == []
    loose = "CREATE TABLE t (a int); ALTER TABLE t ADD CONSTRAINT a_set CHECK (a IS NOT NULL) NOT VALID;"
    assert raised("ALTER TABLE t ALTER a SET NOT NULL;", setup=loose) == [(1, "setting-not-null")]
    assert raised("ALTER TABLE t ALTER a SET NOT NULL;", setup=setup, pg_version=11) == [(1, "setting-not-null")]


@pytest.mark.parametrize(
    "proof",
    ["a > 0", "a IS NOT NULL OR b IS NOT NULL", "(a IS NOT NULL) IS TRUE", "a = a", "NOT (a IS NULL AND b IS NULL)"],
)
def test_a_check_that_proves_nothing_spares_nothing(proof: str) -> None:
    setup = f"CREATE TABLE t (a int, b int, CHECK ({proof}));"
    assert raised("ALTER TABLE t ALTER a SET NOT NULL;", setup=setup) == [(1, "setting-not-null")]


def test_dropping_the_check_takes_its_proof_away() -> None:
    setup = "CREATE TABLE t (a int, CONSTRAINT a_set CHECK (a IS NOT NULL));"
    sql = "ALTER TABLE t DROP CONSTRAINT a_set;\nALTER TABLE t ALTER a SET NOT NULL;"
    assert raised(sql, setup=setup) == [(2, "setting-not-null")]


def test_a_primary_key_using_an_index_scans_only_nullable_columns() -> None:
    sql = "ALTER TABLE t ADD PRIMARY KEY USING INDEX u;"
    assert raised(sql, setup="CREATE TABLE t (a int NOT NULL); CREATE UNIQUE INDEX u ON t (a);") == []
    nullable = "CREATE TABLE t (a int); CREATE UNIQUE INDEX u ON t (a);"
    assert raised(sql, setup=nullable) == [(1, "adding-primary-key-on-nullable")]
    assert raised(sql) == []


def test_a_domain_matters_where_a_table_uses_it() -> None:
    sql = "ALTER DOMAIN d ADD CHECK (VALUE > 0);"
    assert raised(sql, setup="CREATE DOMAIN d AS int;") == []
    used = raised(sql, setup="CREATE DOMAIN d AS int; CREATE TABLE t (a d);")
    assert used == raised(sql) == [(1, "altering-domain")]


def test_a_partition_whose_check_implies_the_bounds_attaches_at_once() -> None:
    setup = (
        "CREATE TABLE p (d date NOT NULL) PARTITION BY RANGE (d);"
        " CREATE TABLE c (d date NOT NULL, CHECK (d >= '2024-01-01' AND d < '2025-01-01'));"
    )
    sql = "ALTER TABLE p ATTACH PARTITION c FOR VALUES FROM ('{}') TO ('2025-01-01');"
    assert raised(sql.format("2024-01-01"), setup=setup) == []
    assert raised(sql.format("2023-01-01"), setup=setup) == [(1, "attaching-partition")]


# -- transactions


def test_statements_of_their_own_hold_nothing() -> None:
    sql = "ALTER TABLE t ADD COLUMN a int;\nUPDATE t SET a = 1 WHERE b > 0;"
    assert raised(sql) == []
    assert raised(sql, wrapped=True) == [(2, "holding-lock-during-work")]
    assert raised(f"BEGIN;\n{sql}\nCOMMIT;") == [(3, "holding-lock-during-work")]


def test_a_commit_lets_go_of_the_locks() -> None:
    sql = "BEGIN;\nALTER TABLE t ADD COLUMN a int;\nCOMMIT;\nBEGIN;\nUPDATE t SET a = 1 WHERE b > 0;\nCOMMIT;"
    assert raised(sql) == []


def test_short_statements_may_follow_a_lock() -> None:
    sql = (
        "ALTER TABLE t ADD COLUMN a int;\nUPDATE t SET a = 1 WHERE id = 5;\nINSERT INTO s VALUES (1);\nSELECT 1;"
        "\nCOMMENT ON TABLE t IS 'x';\nSELECT * FROM pg_class;"
    )
    assert raised(sql, wrapped=True) == []


@pytest.mark.parametrize(
    ("sql", "wrapped", "expected"),
    [
        ("BEGIN;\nSELECT 1;\nCOMMIT;", False, []),
        ("BEGIN;\nSELECT 1;\nCOMMIT;", True, [(1, "ban-transaction-control"), (3, "ban-transaction-control")]),
        ("BEGIN;\nBEGIN;\nCOMMIT;", False, [(2, "ban-transaction-control")]),
        ("COMMIT;", False, [(1, "ban-transaction-control")]),
        ("SELECT 1;\nSTART TRANSACTION;\nSELECT 2;", False, [(2, "leaving-transaction-open")]),
        ("SAVEPOINT a;\nROLLBACK TO a;\nRELEASE a;", True, []),
        ("BEGIN;\nCOMMIT AND CHAIN;\nSELECT 1;", False, [(2, "leaving-transaction-open")]),
    ],
)
def test_begin_and_commit(sql: str, wrapped: bool, expected: list[tuple[int, str]]) -> None:
    assert raised(sql, wrapped=wrapped) == expected


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE INDEX CONCURRENTLY i ON t (a)",
        "DROP INDEX CONCURRENTLY i",
        "REINDEX TABLE CONCURRENTLY t",
        "VACUUM t",
        "CREATE DATABASE d",
        "ALTER SYSTEM SET work_mem = '1MB'",
        "ALTER TABLE t DETACH PARTITION p CONCURRENTLY",
        "DROP TABLESPACE s",
    ],
)
def test_what_cannot_run_in_a_transaction(sql: str) -> None:
    assert (1, "ban-in-transaction") in raised(f"{sql};", wrapped=True)
    assert "ban-in-transaction" not in [rule for _, rule in raised(f"{sql};")]
    assert (2, "ban-in-transaction") in raised(f"BEGIN;\n{sql};\nCOMMIT;")


def test_a_runner_that_takes_such_statements_out_may_have_them() -> None:
    sql = "ALTER TABLE t ADD COLUMN a int;\nCREATE INDEX CONCURRENTLY i ON t (a);\nVACUUM t;"
    assert raised(sql, wrapped=True, splits=True) == []
    inside = "DO $$ BEGIN CREATE INDEX CONCURRENTLY i ON t (a); END $$;"
    assert raised(inside, wrapped=True, splits=True) == [(1, "ban-in-transaction")]


def test_an_enum_value_may_be_used_after_the_commit_or_with_a_new_type() -> None:
    add = "ALTER TYPE mood ADD VALUE 'new';\n"
    use = "ALTER TABLE t ALTER COLUMN m SET DEFAULT 'new';"
    assert raised(add + use, wrapped=True) == [(2, "using-new-enum-value")]
    assert raised(add + use) == []
    assert raised("CREATE TYPE mood AS ENUM ('a');\n" + add + use, wrapped=True) == []
    assert raised(add + "COMMENT ON TABLE t IS 'new';", wrapped=True) == []


def test_a_text_that_looks_like_the_new_value_is_none_where_no_column_has_the_type() -> None:
    setup = "CREATE TYPE mood AS ENUM ('a'); CREATE TABLE notes (id bigint PRIMARY KEY, body text);"
    sql = "ALTER TYPE mood ADD VALUE 'new';\nINSERT INTO notes VALUES (1, 'new');"
    assert raised(sql, wrapped=True, setup=setup) == []
    cast = "ALTER TYPE mood ADD VALUE 'new';\nINSERT INTO notes VALUES (1, 'new'::mood::text);"
    assert raised(cast, wrapped=True, setup=setup) == [(2, "using-new-enum-value")]


# -- bodies


def test_a_do_block_is_looked_into_with_its_lines() -> None:
    sql = "SELECT 1;\nDO $$\nBEGIN\n  IF true THEN\n    DELETE FROM t;\n  END IF;\nEND $$;"
    [finding] = findings(sql)
    assert (finding.rule, finding.line, finding.statement) == ("require-where", 5, 1)
    assert finding.why.startswith("Inside a DO block: ")


@pytest.mark.parametrize(
    "body",
    [
        "BEGIN EXECUTE 'DROP TABLE ' || x; END",
        "BEGIN EXECUTE format('DROP TABLE %I', 'a'); END",
        "DECLARE r record; BEGIN FOR r IN EXECUTE 'SELECT ' || 1 LOOP NULL; END LOOP; END",
    ],
)
def test_sql_made_at_run_time_is_unknown_never_silent(body: str) -> None:
    assert raised(f"DO $$ {body} $$;") == [(1, "unchecked-dynamic-sql")]


def test_a_plain_string_that_is_executed_is_read() -> None:
    assert raised("DO $$ BEGIN EXECUTE 'DROP TABLE t'; END $$;") == [(1, "ban-drop-table")]


def test_a_block_of_another_language_is_unknown() -> None:
    assert raised("DO LANGUAGE plpython3u $$ pass $$;") == [(1, "unchecked-dynamic-sql")]


def test_a_function_is_judged_where_it_is_called_not_where_it_is_made() -> None:
    make = "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN DELETE FROM t; END $$;\n"
    assert raised(make) == []
    [finding] = findings(make + "SELECT f();")
    assert (finding.rule, finding.line) == ("require-where", 2)
    assert "Inside function f: " in finding.why
    sql = "CREATE FUNCTION g() RETURNS void LANGUAGE sql AS 'TRUNCATE t';\nSELECT g();"
    assert raised(sql) == [(2, "ban-truncate")]


def test_functions_that_call_each_other_do_not_hang() -> None:
    make = "CREATE FUNCTION {}() RETURNS void LANGUAGE sql AS 'SELECT {}()';\n"
    sql = make.format("f", "g") + make.format("g", "f") + "SELECT f();"
    assert raised(sql) == []


# -- volatile defaults


@pytest.mark.parametrize(
    ("default", "rewrites"),
    [
        ("now()", False),
        ("current_date", False),
        ("2 + 2", False),
        ("'{}'::jsonb", False),
        ("NULL", False),
        ("clock_timestamp()", True),
        ("nextval('s')", True),
        ("ARRAY[random()]", True),
        ("coalesce(1, random())", True),
        ("pg_catalog.now()", False),
        ("unheard_of()", True),
        ("f_stable()", False),
        ("f_inlined()", False),
        ("f_random()", True),
        ("f_table()", True),
    ],
)
def test_which_defaults_rewrite(default: str, rewrites: bool) -> None:
    setup = """CREATE TABLE t (id bigint PRIMARY KEY);
        CREATE FUNCTION f_stable() RETURNS float STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$;
        CREATE FUNCTION f_inlined() RETURNS int LANGUAGE sql AS 'SELECT 1';
        CREATE FUNCTION f_random() RETURNS float LANGUAGE sql AS 'SELECT random()';
        CREATE FUNCTION f_table() RETURNS int LANGUAGE sql AS 'SELECT 1 FROM t';"""
    expected = [(1, "adding-volatile-default")] if rewrites else []
    assert raised(f"ALTER TABLE t ADD COLUMN c text DEFAULT {default};", setup=setup) == expected


def test_before_version_11_every_default_rewrites() -> None:
    assert raised("ALTER TABLE t ADD COLUMN c int DEFAULT 1;", pg_version=10) == [(1, "adding-volatile-default")]


# -- a broken script


def test_a_syntax_error_is_told_and_the_rest_is_judged() -> None:
    sql = "DROP TABLE a;\nALTER TABLE b ADDD c int;\nDROP TABLE d;"
    assert sorted(raised(sql)) == [(1, "ban-drop-table"), (2, "syntax-error"), (3, "ban-drop-table")]


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO t (a, a) VALUES (1, 2);",
        "INSERT INTO t (a) VALUES (1, 2);",
        "INSERT INTO t (a, b) VALUES (1);",
        "INSERT INTO t VALUES (1, 2), (3);",
        "UPDATE t SET a = 1, a = 2 WHERE b = 1;",
        "INSERT INTO t (a) VALUES (1) ON CONFLICT (a) DO UPDATE SET b = 1, b = 2;",
        "CREATE TABLE n (a int PRIMARY KEY, a text);",
        "CREATE TABLE n (a int PRIMARY KEY, b int PRIMARY KEY);",
        "CREATE TABLE n (a int, PRIMARY KEY (b));",
        "CREATE VIEW v (a, a) AS SELECT 1, 2;",
        "CREATE VIEW v AS SELECT 1 AS a, 2 AS a;",
        "CREATE VIEW v (a, b) AS SELECT 1;",
        "ALTER TABLE t ADD COLUMN a int, ADD COLUMN a int;",
    ],
)
def test_what_the_server_always_refuses(sql: str) -> None:
    assert (1, "invalid-statement") in raised(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO t (a, b) SELECT 1;",
        "INSERT INTO t (a[1], a[2]) VALUES (1, 2);",
        "INSERT INTO t (a.x, a.y) VALUES (1, 2);",
        "UPDATE t SET a[1] = 1, a[2] = 2 WHERE b = 1;",
        "INSERT INTO t (a, b) VALUES ((SELECT 1), DEFAULT);",
        "CREATE TABLE n (LIKE t INCLUDING ALL, PRIMARY KEY (id));",
        "CREATE TABLE n (PRIMARY KEY (id)) INHERITS (t);",
        "CREATE VIEW v AS SELECT a, b AS c FROM t;",
        "CREATE VIEW v (a, b) AS SELECT * FROM t;",
        "WITH x (a, b) AS (SELECT 1, 2) SELECT * FROM x;",
        "MERGE INTO t USING s ON s.id = t.id WHEN MATCHED THEN UPDATE SET a = 1;",
    ],
)
def test_what_only_looks_wrong(sql: str) -> None:
    assert "invalid-statement" not in [rule for _, rule in raised(sql)]


@pytest.mark.parametrize(
    ("sql", "since"),
    [
        ("MERGE INTO t USING s ON s.id = t.id WHEN MATCHED THEN DELETE;", 15),
        ("ALTER TABLE t ADD CHECK (a > 0) NOT ENFORCED;", 18),
        ("ALTER TABLE t ADD COLUMN b int GENERATED ALWAYS AS (a) VIRTUAL;", 18),
        ("CREATE UNIQUE INDEX CONCURRENTLY i ON t (a) NULLS NOT DISTINCT;", 15),
        ("ALTER TABLE p DETACH PARTITION c CONCURRENTLY;", 14),
    ],
)
def test_syntax_that_came_later(sql: str, since: int) -> None:
    assert raised(sql, pg_version=since) == []
    assert raised(sql, pg_version=since - 1) == [(1, "newer-syntax")]


# -- the words and the order


def test_findings_are_the_same_each_time_and_numbered_in_order() -> None:
    sql = "DROP TABLE a, b;\nCREATE INDEX i ON t (a);"
    first, second = findings(sql), findings(sql)
    assert first == second
    assert [f.id for f in numbered(first)] == ["F-1", "F-2", "F-3"]
    assert [f.objects for f in first] == [("a",), ("b",), ("t",)]


def test_names_are_quoted_where_they_must_be() -> None:
    [finding] = findings('ALTER TABLE "Order Line" ADD CONSTRAINT "Über" CHECK ("select" > 0);')
    assert 'ALTER TABLE "Order Line" ADD CONSTRAINT "Über" CHECK ("select" > 0) NOT VALID;' in finding.fix


def test_the_advice_parses_where_it_is_whole() -> None:
    for sql in (
        "CREATE UNIQUE INDEX i ON t USING gin (a) WHERE b IS NULL;",
        "ALTER TABLE t ADD CHECK (a > 0);",
        "ALTER TABLE t ADD FOREIGN KEY (a, b) REFERENCES s.u (c, d);",
        "ALTER TABLE t ADD UNIQUE (a, b);",
    ):
        [finding, *_] = findings(sql)
        pieces = [p.strip() for p in finding.fix.replace("Run it outside a transaction as:", "Use").split("Use ")[1:]]
        text = pieces[0].replace("and in a later transaction ", "").replace("then ", "")
        assert parse(text).problem is None, text


LONG = "n" * 64


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        (f"CREATE TABLE {LONG} (id bigint PRIMARY KEY)", 1),
        (f'CREATE TABLE "{"a b, (c) " * 8}" (id bigint PRIMARY KEY)', 1),  # blanks and brackets inside of quotes
        (f'CREATE TABLE "{"nnn" * 13}""{"nnn" * 13}" (id bigint PRIMARY KEY)', 1),  # a doubled quote inside
        (f'CREATE TABLE "{"ü" * 32}" (id bigint PRIMARY KEY)', 1),  # 64 bytes in 32 characters
        (f'CREATE TABLE "{"ü" * 31}" (id bigint PRIMARY KEY)', 0),
        (f'CREATE TABLE "{LONG[1:]}" (id bigint PRIMARY KEY)', 0),
        (f'COMMENT ON TABLE "t" IS \'{LONG * 3}\'; COMMENT ON TABLE "t" IS NULL', 0),  # no name
        (f'CREATE TABLE "t" ("id" bigint PRIMARY KEY, {"a " * 4} text DEFAULT \'{"x, " * 30}\', "b" int)', 0),
    ],
)
def test_long_names_are_found_wherever_they_stand(sql: str, told: int) -> None:
    assert [f.rule for f in findings(sql)].count("identifier-too-long") == told
