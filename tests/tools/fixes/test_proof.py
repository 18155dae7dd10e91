"""What the proof lets pass and what it does not: on the server, with rewrites that are wrong in one way each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agentdb.tools.fixes.files import Draft
from agentdb.tools.fixes.measure import MANY, ROW_CHANGES, Blocked, Held, blocked
from agentdb.tools.fixes.prove import Ground, Original, Verdict, prove
from agentdb.tools.sandbox.run import run_script
from agentdb.tools.sandbox.runs import Build, SandboxRun, StatementRun
from agentdb.tools.sandbox.seed import seed
from agentdb.tools.sandbox.server import SandboxServer

SETUP = "CREATE TABLE orders (id bigint PRIMARY KEY, note text, quantity integer NOT NULL DEFAULT 1);"
FILE = Path("007_change.sql")


@pytest.fixture(scope="module")
def ground(server: SandboxServer) -> Iterator[Ground]:
    """An original that builds an index in a transaction and counts up, over a table with rows."""
    with server.create() as database:
        run_script(database, SETUP, no_transaction=True, trace=False)
        with database.connect() as connection:
            seed(connection, rows=5)
        sql = "CREATE INDEX by_note ON orders (note);\nUPDATE orders SET quantity = 3;\n"
        made = Ground(server, database, Original(sql, FILE, False, splits=True))
        yield made
        made.close()


def tried(ground: Ground, *texts: str) -> Verdict:
    """The verdict on files of these texts; those that begin with their header are not in a transaction."""
    files = [
        Draft(FILE.with_name(f"{7 + number:03}_change.sql"), text, text.startswith("-- agentdb"))
        for number, text in enumerate(texts)
    ]
    return prove(ground, files)


UP = "UPDATE orders SET quantity = 3;"
APART = "-- agentdb: no-transaction\nCREATE INDEX CONCURRENTLY by_note ON orders (note);"


def test_less_blocked_and_the_same_left_is_proven(ground: Ground) -> None:
    verdict = tried(ground, UP, APART)
    assert (verdict.proven, verdict.exceptions) == (True, ())
    assert verdict.reason == "same schema and rows; no longer blocked: DELETE, INSERT, UPDATE on public.orders"
    assert verdict.before is not None
    assert verdict.before.why["INSERT", "public.orders"] == "builds an index on public.orders"
    assert verdict.after is not None
    assert verdict.after.long == {("OTHER DDL", "public.orders")}


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        (
            (UP, APART.replace("(note)", "(note DESC)")),
            "it does not leave the same: in the rewrite index public.orders.by_note",
        ),
        (
            ("UPDATE orders SET quantity = 4;", APART),
            "it does not leave the same: rows differ in public.orders.quantity",
        ),
        (("UPDATE orders SET quantity = 3 WHERE id < 0;", APART), "it does not leave the same: rows differ"),
        ((UP, "CREATE INDEX by_note ON orders (note);"), "it blocks no less than the original: DELETE, INSERT"),
        (
            ("LOCK TABLE orders; UPDATE orders SET quantity = 3;", APART),
            "it blocks what the original does not: SELECT, SELECT FOR UPDATE on public.orders",
        ),
        ((UP, "BEGIN; CREATE INDEX by_note ON orders (note); COMMIT;"), "agentdb apply would not take it"),
        (
            ("CREATE TABLE IF NOT EXISTS orders (); LOCK TABLE orders; UPDATE orders SET quantity = 3;", APART),
            "it blocks what the original does not: SELECT, SELECT FOR UPDATE on public.orders",
        ),
        ((UP, APART + " SELECT 1 / 0;"), "the rewrite fails: 008_change.sql:2: division by zero"),
    ],
    ids=["schema", "rows", "fewer rows", "no better", "worse", "not new", "ledger", "fails"],
)
def test_a_rewrite_that_is_wrong_is_refused(ground: Ground, texts: tuple[str, ...], reason: str) -> None:
    verdict = tried(ground, *texts)
    assert not verdict.proven
    assert verdict.reason.startswith(reason)


def test_nothing_is_compared_with_an_original_that_does_not_run(server: SandboxServer) -> None:
    with server.create() as database:
        made = Ground(server, database, Original("DROP TABLE missing;", FILE, False))
        verdict = tried(made, "SELECT 1;")
    assert not verdict.proven
    assert verdict.reason.startswith("the original does not run, so there is nothing to compare with")


# -- the measure itself


def ran(*statements: StatementRun) -> SandboxRun:
    return SandboxRun(True, statements)


def statement(index: int, kind: str = "ALTER TABLE", **fields: object) -> StatementRun:
    return StatementRun(index, kind, "", 1, True, **{"blocks": (), **fields})  # type: ignore[arg-type]


def test_what_is_blocked_while_work_goes_on_is_blocked_for_long() -> None:
    short = statement(0, blocked={"public.a": ("SELECT",)})
    long = statement(1, blocked={"public.a": ("SELECT",)}, scans=("public.b",))
    assert blocked([ran(short)]).long == frozenset()
    assert blocked([ran(short)]).brief == {("SELECT", "public.a")}
    assert blocked([ran(short, long)]).long == {("SELECT", "public.a")}
    assert blocked([ran(long)]).why == {("SELECT", "public.a"): "reads all of public.b"}


def test_an_index_of_a_new_table_is_no_work() -> None:
    new = statement(0, blocked={"public.a": ("INSERT",)}, index_builds=(Build("i", "public.new", False),))
    assert blocked([ran(new)]).long == frozenset()


def test_what_was_not_seen_is_not_taken_for_nothing() -> None:
    unseen = statement(0, "CREATE INDEX", blocks=None, in_transaction=False)
    assert blocked([ran(unseen)]).unknown == ("CREATE INDEX in line 1",)
    new = statement(
        0, "CREATE INDEX", blocks=None, in_transaction=False, index_builds=(Build("i", "public.new", False),)
    )
    assert blocked([ran(new)]).unknown == ()


def test_what_the_rewrite_itself_made_is_nobodys_yet() -> None:
    held = statement(0, blocked={"public.new": ("SELECT",)}, scans=("public.new",))
    assert blocked([ran(held)]).long == {("SELECT", "public.new")}
    seen = blocked([ran(held)], new=frozenset({"public.new"}))
    assert (seen.long, seen.brief) == (frozenset(), frozenset())


def test_rows_changed_in_one_transaction_are_held_for_long() -> None:
    half = (("public.a", 0, MANY, 0),)
    more = (("public.a", 0, 0, 1),)
    assert blocked([ran(statement(0, written=half))]).long == frozenset()
    together = blocked([ran(statement(0, written=half), statement(1, written=more))])
    assert together.long == {(ROW_CHANGES, "public.a")}
    apart = [ran(statement(0, written=half)), ran(statement(0, written=more))]
    assert blocked(apart).long == frozenset()


def test_a_block_that_commits_is_judged_by_what_its_triggers_saw() -> None:
    block = ran(statement(0, "DO", blocks=None, in_transaction=False))
    assert blocked([block]).unknown == ("DO in line 1",)
    strong = Held({"public.a": 10}, {"public.a": frozenset({"SHARE"})})
    seen = blocked([block], [strong])
    assert seen.unknown == ()
    assert ("INSERT", "public.a") in seen.brief
    assert blocked([block], [Held({"public.a": MANY + 1}, {})]).long == {(ROW_CHANGES, "public.a")}


def test_better_is_a_strict_subset_first_for_long_then_at_all() -> None:
    def of(long: str, brief: str = "", unknown: tuple[str, ...] = ()) -> Blocked:
        held = frozenset((op, "a") for op in long.split())
        return Blocked(held, held | {(op, "a") for op in brief.split()}, {}, unknown)

    assert of("INSERT").better_than(of("INSERT UPDATE"))
    assert of("INSERT", "SELECT").better_than(of("INSERT UPDATE"))
    assert not of("INSERT SELECT").better_than(of("INSERT UPDATE"))
    assert not of("INSERT").better_than(of("INSERT"))
    assert of("", "UPDATE").better_than(of("", "INSERT UPDATE"))
    assert not of("", "SELECT").better_than(of("", "INSERT UPDATE"))
    assert not of("", unknown=("DO in line 1",)).better_than(of("INSERT"))
