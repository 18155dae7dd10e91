"""Replication, owners, rights, needless indexes, layout, names, comments, cascades, copies: the edges of their rules."""

from __future__ import annotations

import re

import pytest

from agentdb.tools.hazards.context import Context
from agentdb.tools.hazards.registry import by_id
from agentdb.tools.hazards.rules.padding_columns import FIXED, VARIABLE, shape, wasted
from agentdb.tools.hazards.rules.require_plain_name import is_plain
from agentdb.tools.hazards.run import Session, check
from agentdb.tools.hazards.shapes import table_form
from agentdb.tools.records import Finding, Severity
from agentdb.tools.sandbox.server import SandboxServer
from agentdb.tools.schema.snapshot import read_snapshot
from agentdb.tools.sql.grammar import raw_statements
from agentdb.tools.sql.parse import parse

TABLE = "CREATE TABLE t (id bigint PRIMARY KEY, a int, b int);"


def told(rule: str, sql: str, *, setup: str = TABLE, wrapped: bool = False, **more: object) -> list[Finding]:
    """The findings of one rule."""
    context = Context(
        in_transaction=wrapped,
        setup=(parse(setup),) if setup else (),
        schema_complete=bool(setup),
        enabled=(rule,),
        **more,  # type: ignore[arg-type]
    )
    return [f for f in check(parse(sql), context=context) if f.rule == rule]


def lines(rule: str, sql: str, **more: object) -> list[int]:
    return [f.line for f in told(rule, sql, **more)]  # type: ignore[arg-type]


def test_every_finding_is_three_sentences() -> None:
    many = {
        "changing-replication": "ALTER TABLE t REPLICA IDENTITY FULL, REPLICA IDENTITY DEFAULT;"
        " ALTER TABLE t REPLICA IDENTITY USING INDEX t_pkey; DROP PUBLICATION p; ALTER PUBLICATION p RENAME TO q;"
        " ALTER PUBLICATION p DROP TABLE t; ALTER PUBLICATION p SET TABLE t; ALTER PUBLICATION p SET (publish = 'insert');"
        " DROP SUBSCRIPTION s; ALTER SUBSCRIPTION s DISABLE; ALTER SUBSCRIPTION s SET PUBLICATION q;"
        " ALTER PUBLICATION p DROP TABLES IN SCHEMA app;",
        "changing-owner": "ALTER TABLE t OWNER TO x; ALTER VIEW v OWNER TO x; ALTER FUNCTION f(int) OWNER TO x;"
        " ALTER PUBLICATION p OWNER TO x; REASSIGN OWNED BY a, b TO x; SET ROLE x; SET LOCAL SESSION AUTHORIZATION 'x';"
        " ALTER LARGE OBJECT 12 OWNER TO x;",
        "revoking-rights": "REVOKE ALL ON t FROM x; REVOKE GRANT OPTION FOR SELECT (a), UPDATE ON t FROM x, PUBLIC CASCADE;"
        " REVOKE ALL ON ALL TABLES IN SCHEMA app FROM x; REVOKE x FROM y; REVOKE ADMIN OPTION FOR x FROM y;"
        " DROP POLICY p ON t; REVOKE ALL ON LARGE OBJECT 12 FROM x;",
        "require-plain-name": 'CREATE VIEW "V" AS SELECT 1 AS "A", 2 AS "B", 3 AS "C"; CREATE SEQUENCE "S";',
        "padding-columns": "CREATE TABLE p (id bigint, b bool, c bigint, d bool, e bigint, x text);",
        "dropping-what-was-copied": "UPDATE t SET b = a WHERE id = 1; ALTER TABLE t DROP COLUMN a;"
        " INSERT INTO u SELECT * FROM t; DROP TABLE t;",
    }
    for rule, sql in many.items():
        found = told(rule, sql)
        wanted = 12 if rule == "changing-replication" else sql.count(";") - 2 * (rule.startswith("dropping"))
        assert len(found) == wanted, [f.why for f in found]
        for finding in found:
            assert len(re.findall(r"(?<!\.)\.(?:\s|$)", finding.why)) == 2, finding.why
            assert finding.fix.endswith((".", ";")) and "  " not in finding.why + finding.fix, finding.fix


# -- changing-replication


def test_full_nothing_and_default_have_their_own_words() -> None:
    [nothing] = told("changing-replication", "ALTER TABLE t REPLICA IDENTITY NOTHING;")
    [full] = told("changing-replication", "ALTER TABLE t REPLICA IDENTITY FULL;")
    [default] = told("changing-replication", "ALTER TABLE t REPLICA IDENTITY DEFAULT;")
    assert "UPDATE and DELETE of it fails" in nothing.why
    assert "whole old row" in full.why and "fails" not in full.why
    assert "the primary key" in default.why
    [keyless] = told("changing-replication", "ALTER TABLE t REPLICA IDENTITY DEFAULT;", setup="CREATE TABLE t (a int);")
    assert keyless.why == nothing.why


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE n (id bigint PRIMARY KEY);\nALTER TABLE n REPLICA IDENTITY FULL;",
        "CREATE PUBLICATION q FOR TABLE t;\nALTER PUBLICATION q SET (publish = 'insert');\nDROP PUBLICATION q;",
        "ALTER PUBLICATION p ADD TABLE t;",
        "CREATE TABLE n (id bigint PRIMARY KEY);\nALTER PUBLICATION p DROP TABLE n;",
        "ALTER SUBSCRIPTION s ENABLE;",
        "ALTER TABLE t ADD COLUMN c int;",
        "DROP VIEW p;",
    ],
)
def test_what_takes_no_change_from_anybody_is_left_alone(sql: str) -> None:
    assert told("changing-replication", sql) == []


def test_a_publication_that_loses_one_old_table_is_told() -> None:
    sql = "CREATE TABLE n (id bigint PRIMARY KEY);\nALTER PUBLICATION p DROP TABLE n, t;"
    assert lines("changing-replication", sql) == [2]


# -- changing-owner


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE public.t OWNER TO x;",
        'ALTER TABLE "Old" OWNER TO x;',
        "ALTER SEQUENCE s OWNER TO x;",
        "ALTER MATERIALIZED VIEW m OWNER TO CURRENT_USER;",
        "ALTER SCHEMA app OWNER TO x;",
        "ALTER TYPE mood OWNER TO x;",
        "ALTER TABLE t ADD COLUMN c int, OWNER TO x;",
        "REASSIGN OWNED BY a TO b;",
        "SET ROLE x;",
        "SET SESSION AUTHORIZATION x;",
    ],
)
def test_an_old_object_that_changes_hands_is_told(sql: str) -> None:
    assert lines("changing-owner", sql) == [1]


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE n (a int);\nALTER TABLE public.n OWNER TO x;",
        "CREATE SCHEMA app;\nALTER SCHEMA app OWNER TO x;",
        "CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT 1';\nALTER FUNCTION f(int) OWNER TO x;",
        "CREATE TYPE mood AS ENUM ('a');\nALTER TYPE mood OWNER TO x;",
        "CREATE DOMAIN d AS int;\nALTER DOMAIN d OWNER TO x;",
        "CREATE SEQUENCE s;\nALTER SEQUENCE s OWNER TO x;",
        "CREATE VIEW v AS SELECT 1 AS a;\nALTER VIEW v OWNER TO x;",
        "CREATE AGGREGATE total(int) (sfunc = int4pl, stype = int);\nALTER AGGREGATE total(int) OWNER TO x;",
        "CREATE PUBLICATION p;\nALTER PUBLICATION p OWNER TO x;",
        "RESET ROLE;\nSET ROLE NONE;\nSET SESSION AUTHORIZATION DEFAULT;\nSET work_mem = '1MB';",
    ],
)
def test_what_the_change_made_may_be_handed_over(sql: str) -> None:
    assert told("changing-owner", sql) == []


def test_a_table_of_an_earlier_script_may_be_handed_over_until_the_change_ends() -> None:
    session = Session(Context(in_transaction=False))
    session.check(parse("CREATE TABLE n (id bigint PRIMARY KEY); CREATE PUBLICATION p;"))
    sql = "ALTER TABLE n OWNER TO x; ALTER PUBLICATION p OWNER TO x;"

    def found() -> list[str]:
        return [f.objects[0] for f in session.check(parse(sql)) if f.rule == "changing-owner"]

    assert found() == []
    session.age()
    assert found() == ["n", "p"]


# -- revoking-rights


@pytest.mark.parametrize(
    ("sql", "back"),
    [
        ("REVOKE SELECT ON public.t FROM x CASCADE;", "GRANT select ON public.t TO x;"),
        ("REVOKE ALL ON FUNCTION f(int) FROM PUBLIC;", "GRANT ALL ON FUNCTION f(int) TO public;"),
        ("REVOKE GRANT OPTION FOR UPDATE ON t FROM x;", "GRANT update ON t TO x WITH GRANT OPTION;"),
        ("REVOKE ADMIN OPTION FOR x FROM y;", "GRANT x TO y WITH ADMIN OPTION;"),
        ('REVOKE "X y" FROM y;', 'GRANT "X y" TO y;'),
    ],
)
def test_the_way_back_from_a_revoke_is_written_out(sql: str, back: str) -> None:
    [finding] = told("revoking-rights", sql)
    assert finding.fix.endswith(f"at hand: {back}")
    assert parse(back).problem is None


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE n (a int);\nREVOKE ALL ON public.n FROM PUBLIC;",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';\nREVOKE EXECUTE ON FUNCTION f() FROM PUBLIC;",
        "CREATE SCHEMA app;\nREVOKE ALL ON ALL TABLES IN SCHEMA app FROM PUBLIC;\nREVOKE ALL ON SCHEMA app FROM x;",
        "CREATE ROLE y;\nREVOKE ALL ON t FROM y;\nREVOKE x FROM y;",
        "CREATE TABLE n (a int);\nCREATE POLICY p ON n;\nDROP POLICY p ON n;",
        "CREATE POLICY p ON t;\nDROP POLICY p ON t;",
        "BEGIN;\nDROP POLICY p ON t;\nCREATE POLICY p ON t USING (true);\nCOMMIT;",
        "GRANT SELECT ON t TO x;",
    ],
)
def test_rights_that_nobody_has_used_may_be_taken(sql: str) -> None:
    assert told("revoking-rights", sql) == []


@pytest.mark.parametrize(
    "sql",
    [
        "DROP POLICY p ON t;\nCREATE POLICY p ON t USING (true);",  # a moment without, outside of a transaction
        "BEGIN; DROP POLICY p ON t; CREATE POLICY p ON u USING (true); COMMIT;",
        "CREATE TABLE n (a int); REVOKE ALL ON n, t FROM x;",
        "CREATE ROLE y; REVOKE ALL ON t FROM y, x;",
    ],
)
def test_one_right_that_may_be_in_use_is_enough(sql: str) -> None:
    assert lines("revoking-rights", sql) == [1]


# -- duplicating-index

INDEXED = f"{TABLE} CREATE INDEX t_ab ON t (a, b);"


@pytest.mark.parametrize(
    ("setup", "sql"),
    [
        (INDEXED, "CREATE INDEX CONCURRENTLY i ON t (a);"),
        (INDEXED, "CREATE INDEX CONCURRENTLY i ON public.t USING btree (a ASC NULLS LAST, b);"),
        (TABLE, "CREATE INDEX CONCURRENTLY i ON t (id);"),
        (TABLE, "CREATE UNIQUE INDEX CONCURRENTLY i ON t (id);"),
        ("CREATE TABLE t (a int UNIQUE);", "CREATE INDEX CONCURRENTLY i ON t (a);"),
        ('CREATE TABLE t ("A b" int); CREATE INDEX j ON t ("A b");', 'CREATE INDEX CONCURRENTLY i ON t ("A b");'),
    ],
)
def test_an_index_that_another_serves_is_told(setup: str, sql: str) -> None:
    assert lines("duplicating-index", sql, setup=setup) == [1]


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE INDEX CONCURRENTLY i ON t (b);",
        "CREATE INDEX CONCURRENTLY i ON t (b, a);",
        "CREATE INDEX CONCURRENTLY i ON t (a, b, id);",
        "CREATE UNIQUE INDEX CONCURRENTLY i ON t (a);",
        "CREATE UNIQUE INDEX CONCURRENTLY i ON t (a, b);",
        "CREATE INDEX CONCURRENTLY i ON t (a) WHERE a > 0;",
        "CREATE INDEX CONCURRENTLY i ON t (a DESC);",
        "CREATE INDEX CONCURRENTLY i ON t (a NULLS FIRST);",
        "CREATE INDEX CONCURRENTLY i ON t (a) INCLUDE (id);",
        "CREATE INDEX CONCURRENTLY i ON t ((a + 1));",
        "CREATE INDEX CONCURRENTLY i ON t (a int4_ops);",
        "CREATE INDEX CONCURRENTLY i ON t USING hash (a);",
        "CREATE INDEX i ON ONLY t (a);",
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS t_ab ON t (a, b);",
        "CREATE INDEX CONCURRENTLY i ON t (a, b);\nDROP INDEX CONCURRENTLY public.t_ab;",
        "CREATE UNIQUE INDEX CONCURRENTLY i ON t (id);\nALTER TABLE t DROP CONSTRAINT t_pkey;",
        "DROP INDEX CONCURRENTLY t_ab;\nCREATE INDEX CONCURRENTLY i ON t (a);",
        "CREATE INDEX CONCURRENTLY i ON other (a);",
        "CREATE TABLE n (id bigint PRIMARY KEY);\nCREATE INDEX i ON n (id);",
    ],
)
def test_an_index_with_a_purpose_of_its_own_is_left_alone(sql: str) -> None:
    assert told("duplicating-index", sql, setup=INDEXED) == []


@pytest.mark.parametrize(
    "other",
    [
        "CREATE INDEX j ON t (a, b) WHERE b > 0;",
        "CREATE INDEX j ON t (a DESC, b);",
        "CREATE INDEX j ON t USING hash (a);",
        "CREATE INDEX j ON t (a) INCLUDE (b);",
        "CREATE INDEX j ON t ((a + 1));",
        "CREATE INDEX j ON ONLY t (a);",
        "ALTER TABLE t ADD EXCLUDE USING hash (a WITH =);",
        "ALTER TABLE t ADD UNIQUE (a) INCLUDE (b);",
    ],
)
def test_an_index_of_another_kind_serves_nothing_for_sure(other: str) -> None:
    assert told("duplicating-index", "CREATE INDEX CONCURRENTLY i ON t (a);", setup=TABLE + other) == []


def test_uniqueness_that_is_checked_otherwise_is_not_the_same() -> None:
    for other in ("UNIQUE (a) DEFERRABLE", "UNIQUE NULLS NOT DISTINCT (a)"):
        setup = f"{TABLE} ALTER TABLE t ADD {other};"
        assert told("duplicating-index", "CREATE UNIQUE INDEX CONCURRENTLY i ON t (a);", setup=setup) == []


@pytest.mark.slow
def test_indexes_of_a_real_schema_are_known_by_what_the_server_prints(server: SandboxServer) -> None:
    made = """
        CREATE TABLE t (id bigint PRIMARY KEY, a int, b int, c text, d text COLLATE "C", e int, "F g" int, h int,
            UNIQUE (e) DEFERRABLE);
        CREATE INDEX t_ab ON t (a, b);
        CREATE INDEX t_b ON t (b) WHERE a > 0;
        CREATE INDEX t_c ON t (c text_pattern_ops);
        CREATE INDEX t_d ON t (d);
        CREATE INDEX t_f ON t ("F g");
        CREATE INDEX t_h ON t (h DESC);
    """
    with server.create() as database, database.connect() as connection:
        connection.execute(made.encode())
        context = Context(before=read_snapshot(connection), in_transaction=False)

    def found(columns: str, unique: str = "") -> int:
        sql = f"CREATE {unique} INDEX CONCURRENTLY i ON t ({columns});"
        return sum(f.rule == "duplicating-index" for f in check(parse(sql), context=context))

    assert [found(c) for c in ("id", "a", "a, b", "d", '"F g"', "e")] == [1, 1, 1, 1, 1, 0]
    assert [found(c) for c in ("b", "c", "h")] == [0, 0, 0]
    assert [found(c, "UNIQUE") for c in ("id", "e", "a, b")] == [1, 0, 0]


# -- padding-columns


def test_columns_of_any_size_and_unknown_types() -> None:
    def layout(columns: str) -> list[Finding]:
        return told("padding-columns", f"CREATE TABLE r ({columns});")

    assert layout("a bool, b bigint, c bool, d bigint")
    assert layout("a bool, b bigint, c bool, d bigint, e text, f bool") != []
    # After a text anything may happen to be aligned.
    assert layout("a bool, b bigint, c text, d bool, e bigint") == []
    assert layout("a text, b bigint, c text, d bigint, e text, f bigint") == []
    assert layout("a bool, b bigint, c bool, d bigint, e mood") == []
    assert layout("a bool, b bigint, c bool, d bigint, e mood[]") != []
    assert layout("a bool, b bigint GENERATED ALWAYS AS (1) VIRTUAL, c bool, d bigint") == []
    assert layout("a bool, b bigint") == []  # 16 bytes in either order
    assert told("padding-columns", "CREATE TEMP TABLE r (a bool, b bigint, c bool, d bigint);") == []


def test_the_better_order_is_written_out() -> None:
    [finding] = told("padding-columns", 'CREATE TABLE r (a bool, "B" bigint, n text, c bool, d timetz, e int8);')
    assert finding.fix == 'Write the columns in this order: "B", e, d, a, c, n.'


@pytest.mark.slow
def test_sizes_and_padding_are_those_of_the_server(server: SandboxServer) -> None:
    with server.create() as database, database.connect() as connection:
        rows = connection.execute(
            b"SELECT typname, typlen, typalign FROM pg_type WHERE typnamespace = 'pg_catalog'::regnamespace"
        ).fetchall()
        of = {name: (size, {"c": 1, "s": 2, "i": 4, "d": 8}[align]) for name, size, align in rows}
        assert {name: of[name] for name in FIXED} == FIXED
        assert all(of[name][0] == -1 for name in VARIABLE)
        for number, columns in enumerate(
            (
                ("bigint", "boolean", "timestamptz", "smallint", "float8"),
                ("timetz", "boolean", "macaddr", "bigint"),
                ("uuid", "smallint", "uuid", "interval", "date", "boolean"),
            )
        ):
            sql = f"CREATE TABLE r{number} ({', '.join(f'c{i} {t}' for i, t in enumerate(columns))})"
            connection.execute(sql.encode())
            values = {
                "boolean": "true",
                "uuid": "gen_random_uuid()",
                "macaddr": "'08:00:2b:01:02:03'",
                "interval": "'1 d'",
            }
            dated = {"timestamptz": "now()", "timetz": "now()::timetz", "date": "now()::date"}
            row = ", ".join({**values, **dated}.get(t, "1") for t in columns)
            connection.execute(f"INSERT INTO r{number} VALUES ({row})".encode())
            [(size,)] = connection.execute(f"SELECT pg_column_size(r.*) FROM r{number} r".encode()).fetchall()
            shapes = [shape(c) for c in table_form(raw_statements(sql)[0].node).columns]
            assert size == 24 + sum(s[0] for s in shapes if s) + wasted(shapes)


# -- require-plain-name


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ('CREATE TABLE "OrderItems" (id int, "order" int, "a b" int, "c-d" int);', ("OrderItems", "order", "a b")),
        ('ALTER TABLE t ADD COLUMN "userName" text;', ("userName",)),
        ('CREATE INDEX "t A" ON t (a);', ("t A",)),
        ('CREATE VIEW v (x, "Y") AS SELECT 1, 2;', ("Y",)),
        ('CREATE MATERIALIZED VIEW m AS SELECT 1 AS "Y";', ("Y",)),
        ("CREATE TYPE app.\"Mood\" AS ENUM ('A');", ("Mood",)),
        ('CREATE TYPE pair AS ("1st" int);', ("1st",)),
        ('CREATE SEQUENCE "S";', ("S",)),
        ('ALTER TABLE t RENAME COLUMN a TO "end";', ("end",)),
        ('CREATE TABLE "a""b" (id int);', ('a"b',)),
    ],
)
def test_names_that_need_quotes(sql: str, names: tuple[str, ...]) -> None:
    [finding] = told("require-plain-name", sql)
    assert finding.objects == names


@pytest.mark.parametrize(
    "sql",
    [
        'CREATE TABLE "orders" (id int, "name" text, position int, "größe" int, a$1 int, _x int);',
        "CREATE TABLE Orders (Id int);",  # folded to lower case
        'CREATE TEMP TABLE "Scratch" ("A" int);',
        'ALTER TABLE "Old" ADD COLUMN a int;',
        'CREATE INDEX ON "Old" ("A");',
        'ALTER TABLE t RENAME CONSTRAINT a TO "B";',
        'DROP TABLE "Old";',
    ],
)
def test_names_that_need_none_or_are_not_new(sql: str) -> None:
    assert told("require-plain-name", sql) == []


def test_a_better_name_is_proposed() -> None:
    [finding] = told("require-plain-name", 'CREATE TABLE "orderItems" ("Unit Price" int, "user" int);')
    assert finding.fix == 'Write order_items for "orderItems", unit_price for "Unit Price" and another word for "user".'


@pytest.mark.slow
def test_the_words_that_need_quotes_are_those_that_the_server_reserves(server: SandboxServer) -> None:
    with server.create() as database, database.connect() as connection:
        words = connection.execute(b"SELECT word, catcode FROM pg_get_keywords()").fetchall()
    assert len(words) > 400
    assert {w for w, _ in words if not is_plain(w)} == {w for w, code in words if code in ("R", "T")}


# -- require-comment, cascading-delete


def test_a_comment_later_in_the_script_is_enough() -> None:
    make = 'CREATE TABLE app."N" (a int);\n'
    assert told("require-comment", make + "COMMENT ON TABLE app.\"N\" IS 'x';") == []
    for other in (
        "COMMENT ON TABLE app.n IS 'x';",
        'COMMENT ON TABLE app."N" IS NULL;',
        "COMMENT ON TABLE app.\"N\" IS ' ';",
        "COMMENT ON COLUMN app.\"N\".a IS 'x';",
    ):
        assert lines("require-comment", make + other) == [1]
    assert told("require-comment", "CREATE TEMP TABLE n (a int);") == []
    assert told("require-comment", "CREATE TABLE n PARTITION OF t DEFAULT;") == []
    assert told("require-comment", "CREATE TABLE IF NOT EXISTS t (a int);") == []
    assert lines("require-comment", "COMMENT ON TABLE public.n IS 'x';\nCREATE TABLE n (a int);") == [2]


def test_cascades_wherever_a_foreign_key_is_written() -> None:
    for sql in (
        "CREATE TABLE n (a bigint REFERENCES t ON DELETE CASCADE);",
        "CREATE TABLE n (a bigint, FOREIGN KEY (a) REFERENCES t ON UPDATE CASCADE ON DELETE CASCADE);",
        "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES t ON DELETE CASCADE NOT VALID;",
        "ALTER TABLE t ADD COLUMN c bigint REFERENCES t ON DELETE CASCADE;",
    ):
        assert lines("cascading-delete", sql) == [1], sql
    for sql in (
        "CREATE TABLE n (a bigint REFERENCES t ON UPDATE CASCADE);",
        "CREATE TABLE n (a bigint REFERENCES t ON DELETE SET NULL, b bigint REFERENCES t);",
        "ALTER TABLE t DROP CONSTRAINT f CASCADE;",
    ):
        assert told("cascading-delete", sql) == [], sql


# -- dropping-what-was-copied

BOTH = f"{TABLE} CREATE TABLE u (id bigint PRIMARY KEY, a int, c int);"


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE t SET b = a;\nALTER TABLE t DROP COLUMN a;",
        "UPDATE public.t AS x SET b = coalesce(x.a, 0) FROM u WHERE u.id = x.id;\nALTER TABLE t DROP COLUMN a;",
        "UPDATE t SET b = u.c FROM u WHERE u.id = t.id;\nALTER TABLE u DROP COLUMN c;",
        "UPDATE t SET b = c FROM u WHERE u.id = t.id;\nALTER TABLE u DROP COLUMN c;",
        "UPDATE t SET (id, b) = (7, a);\nALTER TABLE t DROP COLUMN a;",
        "UPDATE t SET b = (SELECT max(c) FROM u WHERE u.id = t.id);\nALTER TABLE u DROP COLUMN c;",
        "WITH m AS (SELECT id, c AS d FROM u) UPDATE t SET b = m.d FROM m WHERE m.id = t.id;\nALTER TABLE u DROP COLUMN c;",
        "WITH m AS (SELECT id, c FROM u) UPDATE t SET b = (SELECT c FROM m WHERE m.id = t.id);\nALTER TABLE u DROP COLUMN c;",
        "WITH m AS (UPDATE t SET b = a RETURNING id) SELECT count(*) FROM m;\nALTER TABLE t DROP COLUMN a;",
        "INSERT INTO t SELECT * FROM u;\nDROP TABLE u;",
        "INSERT INTO t SELECT id, 1 FROM (SELECT id FROM u) AS s;\nDROP TABLE u;",
        "INSERT INTO t SELECT 1, 2, 3 UNION ALL SELECT id, a, c FROM u;\nDROP TABLE IF EXISTS public.u;",
        "WITH m AS (DELETE FROM u RETURNING *) INSERT INTO t SELECT * FROM m;\nDROP TABLE u;",
        "CREATE TABLE n AS SELECT id FROM u;\nDROP TABLE u;",
        "MERGE INTO t USING u ON u.id = t.id WHEN MATCHED THEN UPDATE SET b = u.c;\nALTER TABLE u DROP COLUMN c;",
        "UPDATE t SET b = a; ALTER TABLE t RENAME a TO gone;\nALTER TABLE t DROP COLUMN gone;",
        "INSERT INTO t SELECT * FROM u; ALTER TABLE u RENAME TO u_old;\nDROP TABLE u_old;",
        "DO $$ BEGIN UPDATE t SET b = a; END $$;\nALTER TABLE t DROP COLUMN a;",
    ],
)
def test_a_copy_and_the_drop_of_what_it_copied(sql: str) -> None:
    found = told("dropping-what-was-copied", sql, setup=BOTH)
    assert [(f.line, f.severity) for f in found] == [(2, Severity.WARNING)]


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE t DROP COLUMN a;\nDROP TABLE u;",
        "UPDATE t SET a = a + 1;\nALTER TABLE t DROP COLUMN a;",
        "UPDATE t SET b = 1 WHERE a = 2;\nALTER TABLE t DROP COLUMN a;",
        "UPDATE t SET b = a;\nALTER TABLE t DROP COLUMN b;",
        "UPDATE t SET b = u.a FROM u WHERE u.id = t.id;\nALTER TABLE t DROP COLUMN a;",
        "ALTER TABLE t ADD COLUMN n int;\nUPDATE t SET b = n;\nALTER TABLE t DROP COLUMN n;",
        "CREATE TABLE n (id bigint);\nINSERT INTO t SELECT id FROM n;\nDROP TABLE n;",
        "INSERT INTO t SELECT count(*) FROM u;\nDROP TABLE u;",
        "INSERT INTO t SELECT 1 WHERE NOT EXISTS (SELECT FROM u);\nDROP TABLE u;",
        "WITH u AS (SELECT id FROM t) INSERT INTO other SELECT id FROM u;\nDROP TABLE u;",
        "INSERT INTO u VALUES (1, 2, 3);\nDROP TABLE u;",
        "DROP TABLE u;\nCREATE TABLE u (id bigint);\nINSERT INTO t SELECT id FROM u;",
        "CREATE MATERIALIZED VIEW m AS SELECT id FROM u;\nDROP MATERIALIZED VIEW m;",
    ],
)
def test_what_is_no_copy_of_what_is_dropped(sql: str) -> None:
    assert told("dropping-what-was-copied", sql, setup=BOTH) == []


def test_a_column_of_tables_that_nobody_has_read_belongs_to_the_one_that_is_updated() -> None:
    sql = "UPDATE x SET b = a FROM y WHERE x.id = y.id;\nALTER TABLE {} DROP COLUMN a;"
    assert lines("dropping-what-was-copied", sql.format("x"), setup="") == [2]
    assert lines("dropping-what-was-copied", sql.format("y"), setup="") == []


def test_the_copy_of_an_earlier_script_counts_until_the_change_ends() -> None:
    for ages, wanted in ((False, [Severity.WARNING]), (True, [])):
        session = Session(Context(in_transaction=True, setup=(parse(TABLE),)))
        session.check(parse("ALTER TABLE t ADD COLUMN n int; UPDATE t SET n = a;"))
        if ages:
            session.age()
        found = session.check(parse("ALTER TABLE t DROP COLUMN a;"))
        assert [f.severity for f in found if f.rule == "dropping-what-was-copied"] == wanted


def test_what_the_setup_copied_is_of_no_concern() -> None:
    setup = f"{TABLE} UPDATE t SET b = a;"
    assert told("dropping-what-was-copied", "ALTER TABLE t DROP COLUMN a;", setup=setup) == []


@pytest.mark.parametrize(
    ("sql", "severity"),
    [
        ("LOCK TABLE t IN ACCESS EXCLUSIVE MODE; UPDATE t SET b = a; ALTER TABLE t DROP COLUMN a;", Severity.INFO),
        ("ALTER TABLE t ADD COLUMN n int; UPDATE t SET n = a; ALTER TABLE t DROP COLUMN a;", Severity.INFO),
        ("UPDATE t SET b = a; ALTER TABLE t ADD COLUMN n int; ALTER TABLE t DROP COLUMN a;", Severity.WARNING),
        ("LOCK TABLE u; UPDATE t SET b = a; ALTER TABLE t DROP COLUMN a;", Severity.WARNING),
        ("LOCK TABLE t IN ROW EXCLUSIVE MODE; UPDATE t SET b = a; ALTER TABLE t DROP COLUMN a;", Severity.WARNING),
        (
            "LOCK TABLE t; UPDATE t SET b = a; COMMIT; BEGIN; LOCK TABLE t; ALTER TABLE t DROP COLUMN a;",
            Severity.WARNING,
        ),
        (
            "UPDATE t SET b = id; UPDATE t SET b = a; LOCK TABLE t; UPDATE t SET b = a; ALTER TABLE t DROP COLUMN a;",
            Severity.WARNING,
        ),
    ],
)
def test_a_lock_from_before_the_copy_leaves_only_the_deployed_code(sql: str, severity: Severity) -> None:
    [finding] = told("dropping-what-was-copied", sql, setup=BOTH, wrapped=True)
    assert finding.severity is severity
    assert ("lets nobody write in between" in finding.why) is (severity is Severity.INFO)


def test_thousands_of_branches_are_read_at_once() -> None:
    sql = f"INSERT INTO t {' UNION ALL '.join(['SELECT 1'] * 200)} UNION ALL SELECT id FROM u;\nDROP TABLE u;"
    assert lines("dropping-what-was-copied", sql, setup=BOTH) == [2]


def test_the_lock_of_a_statement_outside_of_a_transaction_is_gone_at_once() -> None:
    sql = "LOCK TABLE t; UPDATE t SET b = a; ALTER TABLE t DROP COLUMN a;"
    [finding] = told("dropping-what-was-copied", sql, wrapped=False)
    assert finding.severity is Severity.WARNING


def test_rules_that_are_advice_are_off() -> None:
    off = {"padding-columns", "require-plain-name", "require-comment", "cascading-delete"}
    assert {i for i in off if by_id()[i].enabled} == set()
