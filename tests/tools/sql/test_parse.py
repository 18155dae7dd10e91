"""Scripts become statements with their kind, objects and place."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agentdb.tools.sql.parse import parse
from agentdb.tools.sql.quote import ident, literal, qualified


def kinds(sql: str) -> list[str]:
    return [p.statement.kind for p in parse(sql).statements]


def test_statements_are_split_where_the_grammar_ends_them() -> None:
    script = parse(
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END;\n"
        "DO $body$ BEGIN PERFORM 1; END $body$;\n"
        "CREATE RULE r AS ON DELETE TO t DO ALSO (NOTIFY a; NOTIFY b);"
    )
    assert script.problem is None
    assert [p.statement.kind for p in script.statements] == ["CREATE FUNCTION", "DO", "CREATE RULE"]


def test_byte_ranges_and_lines_hold_beside_letters_of_two_bytes() -> None:
    sql = "-- größer\n/* é */ SELECT 'ü';\n\n  ALTER TABLE maß ADD x int -- why\n;"
    first, second = parse(sql).statements
    assert (first.statement.span.line, first.statement.span.column) == (2, 9)
    assert (second.statement.span.line, second.statement.span.column) == (4, 3)
    data = sql.encode()
    assert data[first.statement.span.start : first.statement.span.end].decode() == "SELECT 'ü'"
    assert second.statement.text.startswith("ALTER TABLE maß ADD x int")
    assert second.statement.changes == ("maß",)


def test_a_syntax_error_is_told_with_its_place_and_the_rest_is_kept() -> None:
    script = parse("SELECT 1;\nSELECT é frm x where;\nCREATE TABLE a (b int);")
    assert script.problem is not None
    assert (script.problem.line, script.problem.column) == (2, 14)
    assert [p.statement.kind for p in script.statements] == ["SELECT", "UNKNOWN", "CREATE TABLE"]
    assert script.statements[1].node is None
    assert script.statements[1].statement.transactional is None


def test_comments_alone_are_an_empty_script() -> None:
    assert parse("-- nothing here\n/* or here */").empty


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("ALTER TABLE a RENAME b TO c", "ALTER TABLE"),
        ("ALTER TABLE a RENAME CONSTRAINT b TO c", "ALTER TABLE"),
        ("ALTER VIEW v RENAME TO w", "ALTER VIEW"),
        ("ALTER INDEX i RENAME TO j", "ALTER INDEX"),
        ("ALTER TYPE t RENAME ATTRIBUTE a TO b", "ALTER TYPE"),
        ("ALTER TYPE t RENAME VALUE 'a' TO 'b'", "ALTER TYPE"),
        ("CREATE MATERIALIZED VIEW m AS SELECT 1", "CREATE MATERIALIZED VIEW"),
        ("SELECT 1 AS a INTO t", "CREATE TABLE AS"),
        ("DROP MATERIALIZED VIEW m", "DROP MATERIALIZED VIEW"),
        ("REVOKE SELECT ON t FROM PUBLIC", "REVOKE"),
        ("ANALYZE t", "ANALYZE"),
        ("CREATE PROCEDURE p() LANGUAGE sql AS ''", "CREATE PROCEDURE"),
        ("CREATE AGGREGATE ag(int) (sfunc = int4pl, stype = int)", "CREATE AGGREGATE"),
    ],
)
def test_kinds(sql: str, kind: str) -> None:
    assert kinds(sql) == [kind]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("CREATE INDEX CONCURRENTLY i ON t (a)", False),
        ("CREATE INDEX i ON t (a)", True),
        ("DROP INDEX CONCURRENTLY i", False),
        ("REINDEX TABLE CONCURRENTLY t", False),
        ("REINDEX TABLE t", True),
        ("REINDEX SCHEMA s", False),
        ("VACUUM t", False),
        ("ANALYZE t", True),
        ("CLUSTER", False),
        ("CLUSTER t USING i", True),
        ("ALTER TABLE p DETACH PARTITION c CONCURRENTLY", False),
        ("ALTER TABLE p DETACH PARTITION c", True),
        ("CREATE DATABASE d", False),
        ("ALTER SYSTEM SET work_mem = '8MB'", False),
        ("CALL p()", None),
        ("DO $$ BEGIN COMMIT; END $$", None),
        ("DO $$ BEGIN NULL; END $$", True),
    ],
)
def test_what_a_transaction_may_hold(sql: str, expected: bool | None) -> None:
    assert parse(sql).statements[0].statement.transactional is expected


def test_objects_are_told_apart_by_what_happens_to_them() -> None:
    script = parse(
        "WITH q AS (SELECT * FROM s.source) INSERT INTO target SELECT * FROM q;"
        'DROP TABLE a, s."B";'
        "ALTER TABLE t DROP COLUMN c;"
        "CREATE VIEW v AS SELECT * FROM w"
    )
    insert, drop, alter, view = (p.statement for p in script.statements)
    assert (insert.changes, insert.reads) == (("target",), ("s.source",))
    assert drop.drops == ("a", "s.B")
    assert (alter.changes, alter.drops) == (("t",), ("t.c",))
    assert (view.creates, view.reads) == (("v",), ("w",))


def test_names_and_texts_are_quoted_so_that_they_read_back() -> None:
    assert ident("plain_1") == "plain_1"
    assert ident("Select") == '"Select"'
    assert ident("select") == '"select"'
    assert ident('we"ird') == '"we""ird"'
    assert qualified("s", "user") == 's."user"'
    assert literal("it's") == "'it''s'"
    assert literal("back\\slash") == "E'back\\\\slash'"


def test_objects_may_be_left_out_and_nothing_else_changes() -> None:
    sql = "CREATE INDEX CONCURRENTLY i ON s.t (a);\nINSERT INTO u SELECT * FROM v;\nDROP TABLE w;"
    whole, bare = (parse(sql, objects=objects).statements for objects in (True, False))
    assert [p.statement.reads for p in whole] == [(), ("v",), ()]
    for full, less in zip(whole, bare, strict=True):
        assert less.statement == replace(full.statement, creates=(), drops=(), changes=(), reads=())
