"""The files of a rewrite: what shares a transaction, how they are called, which comments they keep. No database."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentdb.tools.fixes.arrange import Unfit, arrangements, uses
from agentdb.tools.fixes.files import Draft, diff, drafts
from agentdb.tools.hazards.registry import rules
from agentdb.tools.hazards.rewriting.registry import Part, Room, answered, rewriters
from agentdb.tools.hazards.rewriting.walk import Rewritten
from agentdb.tools.sql.parse import parse

SQL = """\
-- purpose: faster lists
-- author: mira

-- for the account page
CREATE INDEX i ON orders (customer); -- a hot one

INSERT INTO notes VALUES ('two
lines'); -- beside
-- the end
"""
INDEX = Rewritten(0, [Part("CREATE INDEX CONCURRENTLY i ON orders (customer)", Room.OUTSIDE, 1, "index")], {"r"})


def made(sql: str, changed: dict[int, Rewritten], way: int = 0, name: str = "007_lists.sql") -> tuple[Draft, ...]:
    script = parse(sql)
    return drafts(arrangements(script, changed, transactional=True)[way], script, Path(name), ["007", "012"])


def test_what_cannot_share_a_transaction_goes_to_a_file_of_its_own_with_the_next_number() -> None:
    first, second = made(SQL, {0: INDEX})
    assert (first.path.name, first.no_transaction) == ("007_lists.sql", False)
    assert first.text == (
        "-- purpose: faster lists\n-- author: mira\n\nINSERT INTO notes VALUES ('two\nlines');  -- beside\n-- the end\n"
    )
    assert (second.path.name, second.no_transaction) == ("013_lists_index.sql", True)
    assert second.text.splitlines() == [
        "-- agentdb: no-transaction",
        "-- purpose: faster lists (step 2 of 2: index)",
        "-- author: mira",
        "-- depends: 007",
        "",
        "-- for the account page",
        "CREATE INDEX CONCURRENTLY i ON orders (customer);  -- a hot one",
    ]


def test_in_the_order_of_the_original_the_first_file_is_the_index() -> None:
    first, second = made(SQL, {0: INDEX}, way=1)
    assert first.no_transaction
    assert "-- for the account page\nCREATE INDEX CONCURRENTLY" in first.text
    assert "'two\nlines'" in second.text
    assert "-- depends: 007" in second.text


def test_one_file_runs_its_statements_one_by_one() -> None:
    [only] = made(SQL, {0: INDEX}, way=2)
    assert only.text.startswith("-- agentdb: no-transaction\n-- purpose: faster lists\n")
    assert only.no_transaction
    assert "VALUES ('two\nlines');" in only.text


def test_files_without_a_number_are_counted() -> None:
    assert [d.path.name for d in made(SQL, {0: INDEX}, name="lists.sql")] == ["lists.sql", "lists_2_index.sql"]


def test_bound_statements_never_run_one_by_one() -> None:
    swap = Rewritten(0, [Part("SELECT 1", bond="x"), Part("SELECT 2", bond="x"), *INDEX.parts], {"r"})
    ways = arrangements(parse(SQL), {0: swap}, transactional=True)
    assert all(not g.alone for groups in ways for g in groups for p in g.pieces if p.part.bond)


def test_what_a_later_statement_reads_is_not_put_off() -> None:
    sql = "UPDATE a SET x = 1;\nINSERT INTO b SELECT x FROM a;\n"
    batches = Rewritten(0, [Part("DO $$ $$", Room.OUTSIDE, 1, "batches", writes=("a",))], {"r"})
    first, second = made(sql, {0: batches})
    assert "DO" in first.text
    assert "INSERT" in second.text
    late = made("UPDATE a SET x = 1;\nCREATE TABLE c ();\n", {0: batches})
    assert "DO" in late[1].text


def test_what_the_next_migration_reads_is_done_in_one_file() -> None:
    script = parse("ALTER TABLE a ADD COLUMN x int DEFAULT random();\nCREATE TABLE c ();\n")
    parts = [Part("ALTER TABLE a ADD COLUMN x int"), Part("DO $$ $$", Room.OUTSIDE, 1, "fill", writes=("a",))]
    [only] = arrangements(script, {0: Rewritten(0, parts, {"r"})}, transactional=True, at_once="it is read")
    assert len(only) == 1
    bound = Rewritten(0, [*parts, Part("SELECT 1", bond="x")], {"r"})
    with pytest.raises(Unfit, match="it is read"):
        arrangements(script, {0: bound}, transactional=True, at_once="it is read")
    assert uses("DELETE FROM public.a", ["a"])
    assert not uses("ALTER TABLE a ADD COLUMN y int; DELETE FROM b", ["a"])


def test_settings_are_repeated_where_they_hold() -> None:
    sql = f"SET LOCAL lock_timeout = '2s';\nSET LOCAL search_path = app;\n{SQL}"
    first, second = made(sql, {2: Rewritten(2, INDEX.parts, {"r"})})
    assert "SET LOCAL lock_timeout = '2s';" in first.text
    assert "SET search_path TO app;" in second.text
    assert "lock_timeout" not in second.text


def test_own_transactions_are_left_out_and_undoing_is_refused() -> None:
    sql = f"BEGIN;\n{SQL}COMMIT;\n"
    texts = [d.text for d in made(sql, {1: Rewritten(1, INDEX.parts, {"r"})})]
    assert not any("BEGIN" in text or "COMMIT" in text for text in texts)
    with pytest.raises(Unfit, match="ROLLBACK"):
        arrangements(parse(f"{SQL}\nROLLBACK;"), {0: INDEX}, transactional=True)


def test_the_diff_shows_new_files_whole() -> None:
    text = diff(Path("/x/007_lists.sql"), SQL, made(SQL, {0: INDEX}, name="/x/007_lists.sql"), "pending/007_lists.sql")
    assert "--- a/pending/007_lists.sql\n+++ b/pending/007_lists.sql\n" in text
    assert "--- /dev/null\n+++ b/pending/013_lists_index.sql\n" in text
    assert "-CREATE INDEX i ON orders (customer); -- a hot one\n" in text


def test_the_documentation_lists_every_form() -> None:
    text = (Path(__file__).resolve().parents[3] / "docs/fixes.md").read_text(encoding="utf-8")
    for one in rewriters():
        assert one.form[1:] in text, one.name
        assert all(f"(rules/{rule}.md)" in text for rule in one.rules)


def test_the_rules_say_which_of_them_have_a_form() -> None:
    assert {r.id for r in rules() if r.rewritten} == answered()
    assert all(r.no_form for r in rules() if not r.rewritten)
