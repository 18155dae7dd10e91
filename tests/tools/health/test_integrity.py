from __future__ import annotations

import pytest

from agentdb.tools.databases.postgres import Connection, connect
from agentdb.tools.health.integrity import Answer, integrity
from agentdb.tools.health.result import Status
from agentdb.tools.sandbox.databases import SandboxDatabase


def run(conn: Connection, *statements: str) -> None:
    for statement in statements:
        conn.execute(statement.encode())


def of(conn: Connection, kind: str, **options: bool | int) -> list[Answer]:
    return [a for a in integrity(conn, **options).answers if a.kind == kind]  # type: ignore[arg-type]


PARENT = "CREATE TABLE parent (a int, b int, PRIMARY KEY (a, b))"


def test_a_database_whose_rules_are_all_enforced_has_no_questions(conn: Connection) -> None:
    run(conn, PARENT, "CREATE TABLE c (a int, b int, FOREIGN KEY (a, b) REFERENCES parent, CHECK (a > 0))")
    found = integrity(conn)
    assert (found.answers, found.status) == ((), Status.OK)
    assert found.verdict.startswith("nothing to ask")


@pytest.mark.parametrize(
    ("match", "orphans"), [("MATCH SIMPLE", 1), ("MATCH FULL", 2)], ids=["simple lets a half key pass", "full does not"]
)
def test_orphans_of_a_key_that_was_not_validated(conn: Connection, match: str, orphans: int) -> None:
    run(
        conn,
        PARENT,
        'CREATE TABLE "Child" (id int, "A" int, b int)',
        "INSERT INTO parent VALUES (1, 1)",
        'INSERT INTO "Child" VALUES (1, 1, 1), (2, 1, 2), (3, NULL, 7), (4, NULL, NULL)',
        f'ALTER TABLE "Child" ADD CONSTRAINT fk FOREIGN KEY ("A", b) REFERENCES parent {match} NOT VALID',
    )
    (answer,) = of(conn, "orphans")
    assert (answer.status, answer.count, answer.capped) == (Status.BAD, orphans, False)
    assert answer.object == 'public."Child".fk (NOT VALID)'
    run(conn, 'DELETE FROM "Child" WHERE id IN (2, 3)')
    assert len(conn.execute(answer.advice[0].sql.encode()).fetchall()) == 0  # the advice's own query
    (answer,) = of(conn, "orphans")
    assert answer.status is Status.OK
    run(conn, answer.advice[0].sql)
    assert of(conn, "orphans") == []
    assert [a.status for a in of(conn, "orphans", everything=True)] == [Status.OK]


def test_orphans_that_came_while_triggers_were_off_are_found_though_the_key_says_it_is_valid(conn: Connection) -> None:
    run(
        conn,
        "CREATE TABLE parent (id int PRIMARY KEY)",
        "CREATE TABLE c (p int CONSTRAINT fk REFERENCES parent)",
        "ALTER TABLE c DISABLE TRIGGER ALL",
        "INSERT INTO c VALUES (9)",
    )
    assert [(a.count, a.object) for a in of(conn, "orphans")] == [(1, "public.c.fk (triggers off)")]
    run(conn, "ALTER TABLE c ENABLE TRIGGER ALL")
    assert of(conn, "orphans") == []
    assert [a.count for a in of(conn, "orphans", everything=True)] == [1]


def test_a_key_that_is_not_enforced_is_counted(conn: Connection) -> None:
    run(
        conn,
        "CREATE TABLE parent (id int PRIMARY KEY)",
        'CREATE TABLE c ("100%" int CONSTRAINT fk REFERENCES parent NOT ENFORCED)',
        "INSERT INTO c VALUES (1), (2)",
    )
    (answer,) = of(conn, "orphans")
    assert (answer.count, answer.object) == (2, "public.c.fk (NOT ENFORCED)")
    assert conn.execute(answer.advice[0].sql.encode()).fetchall() == [(1,), (2,)]


def test_counting_stops_at_the_row_limit(conn: Connection) -> None:
    run(
        conn,
        "CREATE TABLE t AS SELECT generate_series(1, 50) x",
        "ALTER TABLE t ADD CONSTRAINT c CHECK (x < 0) NOT VALID",
    )
    (answer,) = of(conn, "violators", row_limit=20)
    assert (answer.count, answer.capped) == (20, True)
    assert answer.line == "public.t.c (NOT VALID): rows that break it: at least 20"


def test_violators_of_checks_and_of_not_null(conn: Connection) -> None:
    run(
        conn,
        'CREATE TABLE t (x int, "n" text)',
        "INSERT INTO t VALUES (1, 'a'), (-1, NULL), (NULL, '100%')",
        "ALTER TABLE t ADD CONSTRAINT percent CHECK (n NOT LIKE '100%') NOT VALID",
        "ALTER TABLE t ADD CONSTRAINT positive CHECK (x > 0) NOT VALID",
        "ALTER TABLE t ADD CONSTRAINT there NOT NULL n NOT VALID",
    )
    found = {a.object: a for a in of(conn, "violators")}
    assert [a.count for a in found.values()] == [1, 1, 1]
    assert found["public.t.there (NOT VALID)"].line.endswith("rows with NULL in n: 1")
    assert "100" not in str(found)


def test_code_of_the_databases_users_is_not_run(conn: Connection) -> None:
    run(
        conn,
        "CREATE TABLE t (x int)",
        "INSERT INTO t VALUES (1)",
        "CREATE FUNCTION mine(int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT pg_sleep(600) IS NULL'",
        "ALTER TABLE t ADD CONSTRAINT c CHECK (mine(x)) NOT VALID",
    )
    (answer,) = of(conn, "violators")
    assert (answer.status, answer.line) == (
        Status.UNKNOWN,
        "public.t.c (NOT VALID): not asked, its condition calls public.mine",
    )


def test_an_extensions_code_is_run(conn: Connection) -> None:
    run(
        conn,
        "CREATE EXTENSION citext",
        "CREATE TABLE t (x citext)",
        "INSERT INTO t VALUES ('A')",
        "ALTER TABLE t ADD CONSTRAINT c CHECK (x <> 'a') NOT VALID",
    )
    assert [a.count for a in of(conn, "violators")] == [1]


@pytest.mark.parametrize(
    ("index", "rows", "keys"),
    [
        ("(a, b)", "(1, 'x'), (1, 'x'), (1, 'y'), (NULL, 'x'), (NULL, 'x')", 1),
        ("(a) NULLS NOT DISTINCT", "(NULL, 'x'), (NULL, 'y')", 1),
        ("(lower(b)) WHERE a > 5", "(6, 'X'), (7, 'x'), (1, 'q'), (2, 'Q')", 1),
        ('(b COLLATE "POSIX")', "(6, 'X'), (7, 'X')", 1),
    ],
)
def test_duplicates_that_block_a_unique_index(conn: Connection, index: str, rows: str, keys: int) -> None:
    import psycopg

    run(conn, "CREATE TABLE t (a int, b text)", f"INSERT INTO t VALUES {rows}")
    with pytest.raises(psycopg.errors.UniqueViolation):
        run(conn, f"CREATE UNIQUE INDEX CONCURRENTLY u ON t {index}")
    (answer,) = of(conn, "duplicates")
    assert (answer.status, answer.count) == (Status.BAD, keys)
    run(conn, "DELETE FROM t WHERE ctid IN (SELECT max(ctid) FROM t GROUP BY lower(b), a > 5) OR a IS NULL")
    (answer,) = of(conn, "duplicates")
    if answer.status is Status.OK:
        run(conn, answer.advice[0].sql)
        assert of(conn, "duplicates") == []


def test_a_sequence_behind_its_column_foretells_the_failing_insert(conn: Connection) -> None:
    import psycopg

    run(
        conn,
        "CREATE TABLE t (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY)",
        "INSERT INTO t VALUES (1), (2), (3)",
        "CREATE TABLE fine (id serial PRIMARY KEY)",
        "INSERT INTO fine DEFAULT VALUES",
        "CREATE TABLE empty (id bigserial)",
    )
    found = {a.object: a for a in of(conn, "sequence-behind")}
    assert {o: a.count for o, a in found.items()} == {
        "public.empty_id_seq for public.empty.id": 0,
        "public.fine_id_seq for public.fine.id": 0,
        "public.t_id_seq for public.t.id": 3,
    }
    with pytest.raises(psycopg.errors.UniqueViolation):
        run(conn, "INSERT INTO t DEFAULT VALUES")
    run(conn, found["public.t_id_seq for public.t.id"].advice[0].sql, "INSERT INTO t DEFAULT VALUES")
    assert {a.count for a in of(conn, "sequence-behind")} == {0}


def test_a_question_that_takes_too_long_or_waits_is_unknown(conn: Connection, database: SandboxDatabase) -> None:
    run(conn, "CREATE TABLE t (x int)", "ALTER TABLE t ADD CONSTRAINT c CHECK (x > 0) NOT VALID")
    with database.connect() as holder, holder.transaction():
        run(holder, "LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        answers = integrity(conn, timeout_ms=200).answers
    assert {a.status for a in answers} == {Status.UNKNOWN}
    run(conn, "INSERT INTO t SELECT generate_series(1, 400000)")
    (answer,) = of(conn, "violators", timeout_ms=1)
    assert (answer.status, answer.line) == (
        Status.UNKNOWN,
        "public.t.c (NOT VALID): no answer within the statement timeout",
    )


def test_a_role_without_rights_or_under_row_security_gets_unknown(
    conn: Connection, database: SandboxDatabase, lone_role: str
) -> None:
    run(
        conn,
        "CREATE TABLE t (x int)",
        "INSERT INTO t VALUES (-1)",
        "ALTER TABLE t ADD CONSTRAINT c CHECK (x > 0) NOT VALID",
    )
    dsn = type(database.dsn)(f"{database.dsn.reveal()} user={lone_role}")
    with connect(dsn) as lone:
        (answer,) = of(lone, "violators")
        assert answer.status is Status.UNKNOWN and "may not read" in answer.line
        run(conn, f"GRANT SELECT ON t TO {lone_role}")
        assert [a.count for a in of(lone, "violators")] == [1]
        run(conn, "ALTER TABLE t ENABLE ROW LEVEL SECURITY")
        (answer,) = of(lone, "violators")
        assert answer.status is Status.UNKNOWN
