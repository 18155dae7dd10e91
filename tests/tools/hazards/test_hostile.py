"""Hostile and broken SQL: findings or silence, never a traceback, never a hang."""

from __future__ import annotations

import pytest

from agentdb.tools.hazards.context import Context
from agentdb.tools.hazards.run import check
from agentdb.tools.records import Finding
from agentdb.tools.sql.parse import parse


def findings(sql: str, *, wrapped: bool = True) -> tuple[Finding, ...]:
    return check(parse(sql), path="x.sql", context=Context(in_transaction=wrapped, enabled=("all",)))


BROKEN = [
    "",
    ";",
    ";;;\n;",
    "-- only a comment",
    "/* open",
    "SELECT 'open",
    "SELECT $tag$ open",
    'SELECT "open',
    "CREATE TABLE",
    "CREATE TABLE t (",
    ")))",
    "\\connect other\nSELECT 1;",
    "\\copy t from 'x'",
    "COPY t FROM stdin;\n1\t2\n\\.\n",
    "SELECT E'\\xff';",
    "ALTER TABLE t ADD COLUMN a int;\nGO\nALTER TABLE t ADD COLUMN b int;",
    "DELIMITER //\nCREATE PROCEDURE p() BEGIN END //",
    "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN END $$; SELECT f();",
    "DO $$ this is not plpgsql $$;",
    "DO 'BEGIN DELETE FROM t; END';",
    "DO $$ BEGIN EXECUTE 'not sql at all'; END $$;",
    "SELECT 1 \x01;",
    "SELECT '\u202e', 'ﬁ', '💥';",
    'CREATE TABLE "\u202e💥\n;--" (id int); DROP TABLE "\u202e💥\n;--x";',
    "ALTER TABLE t ALTER COLUMN a TYPE geometry(Point, 4326);",
    "ALTER TABLE t ALTER COLUMN a TYPE a.b.c.d;",
    "CREATE TABLE t (a int[3][], b setof int);",
    "DROP FUNCTION f(int, VARIADIC text[]), g;",
    "DROP OPERATOR + (int, int); DROP CAST (int AS text); DROP TRANSFORM FOR int LANGUAGE sql;",
    "DROP TRIGGER a ON b.c; DROP RULE r ON s.t; DROP POLICY p ON t CASCADE;",
    "COMMENT ON TABLE t IS NULL; SECURITY LABEL ON TABLE t IS 'x';",
    "ALTER TABLE ALL IN TABLESPACE a SET TABLESPACE b;",
    "ALTER INDEX i SET TABLESPACE x; ALTER INDEX i ATTACH PARTITION j; ALTER VIEW v RENAME TO w;",
    "ALTER SEQUENCE s OWNED BY NONE; ALTER TYPE c ADD ATTRIBUTE a int; ALTER TYPE c RENAME ATTRIBUTE a TO b;",
    "GRANT ALL ON ALL TABLES IN SCHEMA public TO PUBLIC; REVOKE ALL ON SCHEMA s FROM PUBLIC; GRANT a TO b;",
    "VACUUM; ANALYZE; CLUSTER; REINDEX DATABASE x; CHECKPOINT; DISCARD ALL;",
    "PREPARE p AS SELECT 1; EXECUTE p; DEALLOCATE p; LISTEN a; NOTIFY b;",
    "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p; DROP SUBSCRIPTION s;",
    "TABLE t; VALUES (1); SELECT; CALL p(); FETCH ALL FROM c; CLOSE c;",
    "SELECT set_config(), nextval(), f(a => 1), count(*), (SELECT g()) FROM ROWS FROM (h());",
    "MERGE INTO t USING s ON true WHEN NOT MATCHED THEN INSERT DEFAULT VALUES;",
    "INSERT INTO t DEFAULT VALUES; INSERT INTO t VALUES (); ",
    "UPDATE t SET (a, b) = (1, 2); UPDATE t SET (a, b) = (SELECT 1, 2);",
    "DELETE FROM t WHERE CURRENT OF c; UPDATE ONLY t SET a = DEFAULT WHERE true;",
    "LOCK t; LOCK TABLE ONLY a, b IN SHARE MODE NOWAIT;",
    "CREATE TABLE t OF c; CREATE TABLE p PARTITION OF q DEFAULT PARTITION BY HASH (a);",
    "CREATE TABLE p PARTITION OF q FOR VALUES WITH (MODULUS 4, REMAINDER 0);",
    "ALTER TABLE q ATTACH PARTITION p FOR VALUES IN (NULL, 1, 'a'); ALTER TABLE q ATTACH PARTITION r DEFAULT;",
    "ALTER DOMAIN d DROP NOT NULL; ALTER DOMAIN d VALIDATE CONSTRAINT c; ALTER DOMAIN d SET DEFAULT 1;",
    "ALTER TABLE t ALTER a SET STORAGE external, ALTER a SET (n_distinct = 5), CLUSTER ON i, OF c, NOT OF;",
    "ALTER TABLE t ALTER CONSTRAINT c DEFERRABLE, INHERIT u, NO INHERIT u, REPLICA IDENTITY FULL, OWNER TO x;",
    "CREATE RULE r AS ON INSERT TO t DO ALSO (DELETE FROM u; SELECT 1);",
    "CREATE EVENT TRIGGER e ON ddl_command_start EXECUTE FUNCTION f();",
    "SET LOCAL lock_timeout TO DEFAULT; RESET ALL; SET lock_timeout = '0'; SET TIME ZONE 'UTC';",
    "IMPORT FOREIGN SCHEMA a FROM SERVER b INTO c; CREATE FOREIGN TABLE f (a int) SERVER s;",
]


@pytest.mark.parametrize("wrapped", [True, False], ids=["wrapped", "alone"])
@pytest.mark.parametrize("sql", BROKEN, ids=range(len(BROKEN)))
def test_nothing_breaks_the_rules(sql: str, wrapped: bool) -> None:
    for finding in findings(sql, wrapped=wrapped):
        assert finding.why and finding.fix and finding.line >= 1


@pytest.mark.parametrize("sql", [s for s in BROKEN if parse(s).problem is not None][:20])
def test_a_broken_script_says_so(sql: str) -> None:
    assert "syntax-error" in [f.rule for f in findings(sql)]


def test_every_piece_that_cannot_be_read_is_told() -> None:
    found = findings("SELECT 1 FROM;\nDROP TABLE a;\nALTER TABL b ADD c int;\n\\connect other\n", wrapped=False)
    told = {f.line: f.rule for f in found if f.rule in ("syntax-error", "ban-drop-table", "unchecked-statement")}
    assert told == {1: "syntax-error", 2: "ban-drop-table", 3: "unchecked-statement", 4: "unchecked-statement"}


def test_a_statement_of_a_megabyte() -> None:
    values = ", ".join(f"({n}, 'some text of a row')" for n in range(30_000))
    assert len(values) > 900_000
    rules = [
        f.rule for f in findings(f"CREATE TABLE t (id bigint PRIMARY KEY, b text);\nINSERT INTO t VALUES {values};")
    ]
    assert "syntax-error" not in rules
    name = "x" * 1_000_000
    assert [f.rule for f in findings(f"DROP TABLE {name};") if f.rule == "ban-drop-table"] == ["ban-drop-table"]
    assert "syntax-error" in [f.rule for f in findings("SELECT 1 " + "nonsense " * 120_000)]


def test_many_statements_and_many_lines() -> None:
    assert len(findings("DROP TABLE a;\n" * 2_000, wrapped=False)) >= 2_000
    assert findings("\n" * 100_000 + "DROP TABLE a;", wrapped=False)[0].line == 100_001


@pytest.mark.parametrize("depth", [50, 500, 5_000, 100_000])
def test_deep_nesting_ends_in_findings_or_one_clear_word(depth: int) -> None:
    deep = f"UPDATE t SET a = {'(' * depth}1{')' * depth};"
    assert {"require-where", "syntax-error"} & {f.rule for f in findings(deep)}
    sums = f"UPDATE t SET a = {'1 + ' * depth}1;"
    assert {"require-where", "syntax-error"} & {f.rule for f in findings(sums)}
    nested = "SELECT * FROM " + "(SELECT * FROM " * min(depth, 2_000) + "t" + ") x" * min(depth, 2_000)
    findings(nested)


def test_a_name_cannot_leave_its_message() -> None:
    [drop] = [f for f in findings('DROP TABLE "a"";\nDROP TABLE b; --";') if f.rule == "ban-drop-table"]
    assert '"a"";\nDROP TABLE b; --"' in drop.fix
