"""Both orders of two migrations, run on a real server: what the text cannot know, the comparison shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pytest

from agentdb.tools.conflicts.merge_order import Verdict, measured, merge_order
from agentdb.tools.conflicts.prove import before_both, prove
from agentdb.tools.files import Layout, read_migration
from agentdb.tools.records import Migration, Proof
from agentdb.tools.sandbox.databases import SandboxDatabase
from agentdb.tools.sandbox.server import SandboxServer

from .conftest import Project

pytestmark = pytest.mark.slow

Make = Callable[[Mapping[str, str]], Project]

BASE = """CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t SELECT n, n, 'x' FROM generate_series(1, 5) n;
CREATE VIEW v AS SELECT id FROM t;"""


@pytest.fixture(scope="module")
def base(server: SandboxServer) -> Iterator[SandboxDatabase]:
    with server.create() as made:
        with made.connect() as connection:
            connection.execute(BASE.encode())
        yield made


@pytest.fixture
def migrations(project: Make) -> Callable[[str, str], tuple[Migration, Migration]]:
    def make(first: str, second: str) -> tuple[Migration, Migration]:
        layout: Layout = project({"pending/001_a.sql": first, "pending/002_b.sql": second}).layout
        return read_migration(layout.pending / "001_a.sql"), read_migration(layout.pending / "002_b.sql")

    return make


Pair = Callable[[str, str], tuple[Migration, Migration]]

COMMUTE = [
    ("CREATE TABLE x ();", "CREATE TABLE y ();"),
    ("ALTER TABLE t ALTER a SET NOT NULL;", "ALTER TABLE t ALTER a SET DEFAULT 1;"),
    ("UPDATE t SET a = a + 1;", "UPDATE t SET a = a + 2;"),
    ("UPDATE t SET a = 1;", "UPDATE t SET b = 'y';"),
    ("CREATE TABLE IF NOT EXISTS x (i int);", "CREATE TABLE IF NOT EXISTS x (i int);"),
]
DEPENDENT = [
    ("ALTER TABLE t ALTER a SET DEFAULT 1;", "ALTER TABLE t ALTER a SET DEFAULT 2;"),
    ("UPDATE t SET a = a + 1;", "UPDATE t SET a = a * 2;"),
    ("CREATE OR REPLACE VIEW v AS SELECT id FROM t WHERE a > 1;", "CREATE OR REPLACE VIEW v AS SELECT id FROM t;"),
    ("ALTER TABLE t ADD COLUMN c int;", "CREATE INDEX ON t (c);"),
    ("CREATE TABLE IF NOT EXISTS x (i int);", "CREATE TABLE IF NOT EXISTS x (i text);"),
    ("DO $$ BEGIN EXECUTE 'UPDATE t SET a = 7'; END $$;", "DO $$ BEGIN EXECUTE 'UPDATE t SET a = 8'; END $$;"),
]
CONFLICT = [
    ("CREATE TABLE x ();", "CREATE TABLE x ();"),
    ("ALTER TABLE t DROP COLUMN b;", "ALTER TABLE t DROP COLUMN b;"),
    ("DROP VIEW nowhere;", "CREATE TABLE x ();"),
    ("UPDATE t SET b = NULL;", "ALTER TABLE t ALTER b SET NOT NULL;"),
]


@pytest.mark.parametrize(
    ("first", "second", "verdict"),
    [
        *((*p, Verdict.COMMUTES) for p in COMMUTE),
        *((*p, Verdict.ORDER_DEPENDENT) for p in DEPENDENT),
        *((*p, Verdict.CONFLICT) for p in CONFLICT),
    ],
)
def test_verdict_is_what_both_orders_show(
    server: SandboxServer, base: SandboxDatabase, migrations: Pair, first: str, second: str, verdict: Verdict
) -> None:
    found = merge_order(server, base, *migrations(first, second))
    assert (found.verdict, found.reason.endswith(".")) == (verdict, True), found
    assert bool(found.differences) == (verdict is not Verdict.COMMUTES)


def test_order_of_columns_is_told_but_does_not_count(
    server: SandboxServer, base: SandboxDatabase, migrations: Pair
) -> None:
    found = merge_order(server, base, *migrations("ALTER TABLE t ADD c int;", "ALTER TABLE t ADD d int;"))
    assert found.verdict is Verdict.COMMUTES
    assert "another order" in found.notes[0]


def test_values_of_the_moment_do_not_count(server: SandboxServer, base: SandboxDatabase, migrations: Pair) -> None:
    now = "ALTER TABLE t ADD at timestamptz DEFAULT clock_timestamp();"
    found = merge_order(server, base, *migrations(now, "UPDATE t SET a = 0;"))
    assert found.verdict is Verdict.COMMUTES
    assert found.notes == ("public.t.at differs from run to run and was not compared.",)


def test_base_stays_as_it_is(server: SandboxServer, base: SandboxDatabase, migrations: Pair) -> None:
    merge_order(server, base, *migrations("DROP VIEW v;", "DROP TABLE t CASCADE;"))
    with base.connect() as connection:
        assert connection.execute("SELECT count(*) FROM v JOIN t USING (id)").fetchone() == (5,)


def test_proof_settles_findings_and_leaves_evidence(server: SandboxServer, project: Make) -> None:
    made = project(
        {
            "applied/001_t.sql": "CREATE TABLE t (id int PRIMARY KEY, a int, b int);",
            "pending/002_a.sql": "ALTER TABLE t ALTER a SET DEFAULT 1;",
            "pending/003_b.sql": "ALTER TABLE t ALTER a SET DEFAULT 2;",
            "pending/004_c.sql": "ALTER TABLE t ALTER b SET DEFAULT 1;",
            "pending/005_d.sql": "ALTER TABLE t ALTER b SET NOT NULL;",
        }
    )
    case = made.case()
    findings, evidence = measured(made.findings(), prove(server, case, rows=0), start=7)
    told = {f.title.partition(" both")[0]: f.proof for f in findings}
    assert told == {"002_a and 003_b": Proof.CONFIRMED, "004_c and 005_d": Proof.REFUTED}
    assert [e.id for e in evidence] == ["E-0007", "E-0008"]
    assert {f.evidence for f in findings} == {("E-0007",), ("E-0008",)}
    assert evidence[0].result["verdict"] == "ORDER-DEPENDENT"


def test_number_of_two_files_stays_wrong_though_they_commute(server: SandboxServer, project: Make) -> None:
    made = project({"pending/001_a.sql": "CREATE TABLE a ();", "pending/001_b.sql": "CREATE TABLE b ();"})
    (found,), (evidence,) = measured(made.findings(), prove(server, made.case(), rows=0))
    assert (found.proof, found.evidence) == (Proof.UNKNOWN, (evidence.id,))
    assert evidence.result["verdict"] == "COMMUTES"


def test_what_the_later_one_needs_is_there_for_both_orders(project: Make) -> None:
    made = project(
        {
            "applied/001_t.sql": "CREATE TABLE t (id int, a int);",
            "pending/002_a.sql": "ALTER TABLE t ALTER a SET NOT NULL; CREATE TABLE x ();",
            "pending/003_needs_a.sql": "ALTER TABLE x ADD i int;",
            "pending/004_free.sql": "CREATE TABLE y (i int);",
            "pending/005_b.sql": "ALTER TABLE t ALTER a TYPE bigint; ALTER TABLE y ADD j int;",
            "pending/006_after.sql": "CREATE TABLE z ();",
        }
    )
    case = made.case()
    first, second = (next(m for m in case.pending if m.number == n) for n in (2, 5))
    assert [m.number for m in before_both(case, first, second)] == [1, 4]
