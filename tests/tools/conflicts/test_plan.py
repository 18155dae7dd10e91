"""The plan for a conflict: renames that keep order, dependants, twins and every byte."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentdb.errors import UsageError
from agentdb.tools.conflicts.dependencies import node, order_graph
from agentdb.tools.conflicts.plan import Resolution, carry_out, resolution
from agentdb.tools.files import Layout
from agentdb.tools.records import Finding

from .conftest import Project, Row, row

Make = Callable[[Mapping[str, str]], Project]
A = "CREATE TABLE a (id bigint PRIMARY KEY, x int);"


def planned(made: Project, ledger: list[Row] | None = None) -> Resolution:
    case = made.case(ledger or [])
    return resolution(case, made.findings(ledger or []))


def fixed(made: Project, ledger: list[Row] | None = None) -> set[str]:
    """The files after the plan was carried out."""
    carry_out(planned(made, ledger))
    return made.names()


def test_plan_changes_nothing_by_itself(project: Make) -> None:
    made = project({"pending/001_a.sql": A, "pending/001_b.sql": "SELECT 1;"})
    assert planned(made).moves
    assert made.names() == {"pending/001_a.sql", "pending/001_b.sql"}


def test_duplicate_gets_the_next_number_and_takes_its_scripts_along(project: Make) -> None:
    made = project(
        {
            "applied/001_a.sql": A,
            "pending/001_b.sql": "CREATE TABLE b ();",
            "pending/002_c.sql": "CREATE TABLE c ();",
            "rollback/001_a.sql": "DROP TABLE a;",
            "rollback/001_b.sql": "DROP TABLE b;",
            "rollback/001_b.capture.sql": "SELECT 1;",
        }
    )
    assert fixed(made) == {
        "applied/001_a.sql",
        "pending/002_c.sql",
        "pending/003_b.sql",
        "rollback/001_a.sql",
        "rollback/003_b.sql",
        "rollback/003_b.capture.sql",
    }
    assert made.findings() == ()


def test_dependant_follows_and_its_header_names_the_new_number(project: Make) -> None:
    made = project(
        {
            "applied/002_z.sql": "CREATE TABLE z ();",
            "pending/001_a.sql": A,
            "pending/003_b.sql": "-- purpose: x\r\n-- depends: 001, 002_z\r\nALTER TABLE a ADD y int;\r\n",
            "pending/004_c.sql": "CREATE TABLE c ();",
        }
    )
    assert fixed(made) == {"applied/002_z.sql", "pending/005_a.sql", "pending/006_b.sql", "pending/004_c.sql"}
    text = (made.layout.pending / "006_b.sql").read_bytes().decode()
    assert text == "-- purpose: x\r\n-- depends: 005, 002_z\r\nALTER TABLE a ADD y int;\r\n"


def test_header_keeps_its_form(project: Make) -> None:
    made = project(
        {
            "applied/002_z.sql": "CREATE TABLE z ();",
            "pending/001_a.sql": A,
            "pending/003_b.sql": "\ufeff-- depends: 001_a,a\nALTER TABLE a ADD y int; -- depends: 001\n",
        }
    )
    fixed(made)
    text = (made.layout.pending / "005_b.sql").read_text(encoding="utf-8")
    assert text == "\ufeff-- depends: 004_a,a\nALTER TABLE a ADD y int; -- depends: 001\n"


def test_user_of_a_renumbered_table_follows_without_a_header(project: Make) -> None:
    made = project(
        {
            "applied/005_z.sql": "CREATE TABLE z ();",
            "pending/003_a.sql": A,
            "pending/004_other.sql": "CREATE TABLE other ();",
            "pending/006_index.sql": "CREATE INDEX i ON a (x);",
        }
    )
    assert {"pending/007_a.sql", "pending/008_other.sql", "pending/009_index.sql"} < fixed(made)


def test_the_duplicate_that_others_need_keeps_its_number(project: Make) -> None:
    made = project(
        {
            "pending/001_a.sql": "CREATE TABLE lonely ();",
            "pending/001_z.sql": A,
            "pending/002_index.sql": "CREATE INDEX i ON a (x);",
        }
    )
    assert fixed(made) == {"pending/001_z.sql", "pending/002_index.sql", "pending/003_a.sql"}


def test_user_before_creator_is_put_after_it(project: Make) -> None:
    made = project({"pending/001_index.sql": "CREATE INDEX i ON a (x);", "pending/002_a.sql": A})
    assert fixed(made) == {"pending/002_a.sql", "pending/003_index.sql"}


def test_file_applied_under_another_name_gets_that_name_back(project: Make) -> None:
    made = project({"applied/001_new.sql": A, "rollback/001_new.sql": "DROP TABLE a;"})
    assert fixed(made, [row("001_old", A)]) == {"applied/001_old.sql", "rollback/001_old.sql"}


def test_orphaned_rollback_goes_to_the_migration_of_its_name(project: Make) -> None:
    made = project({"pending/002_a.sql": A, "rollback/001_a.sql": "DROP TABLE a;"})
    assert fixed(made) == {"pending/002_a.sql", "rollback/002_a.sql"}


def test_script_that_speaks_of_the_old_number_is_told(project: Make) -> None:
    made = project(
        {
            "applied/001_a.sql": A,
            "pending/001_b.sql": "CREATE TABLE b ();",
            "rollback/001_b.sql": "-- Rollback of 001_b\nDROP TABLE b;",
        }
    )
    assert planned(made).notes == (
        "002_b.sql still speaks of 001_b; its bytes stay, so that what was proven of them holds.",
    )


def test_circle_is_left_to_a_person(project: Make) -> None:
    made = project(
        {
            "applied/003_z.sql": "SELECT 1;",
            "pending/001_a.sql": "-- depends: 002\nSELECT 2;",
            "pending/002_b.sql": "-- depends: 001\nSELECT 3;",
        }
    )
    plan = planned(made)
    assert plan.moves == ()
    assert "001_a" in plan.notes[0]
    assert plan.left == made.findings()


def test_what_a_person_must_settle_is_left_and_told_with_its_new_place(project: Make) -> None:
    made = project({"pending/001_a.sql": A, "pending/001_b.sql": f"{A} -- again"})
    assert [f.rule for f in planned(made).left] == ["conflict-created-twice"]
    assert planned(made).left[0].path == "migrations/pending/002_b.sql"


def test_file_changed_after_the_plan_stops_everything(project: Make) -> None:
    made = project({"pending/001_a.sql": A, "pending/001_b.sql": "SELECT 1;", "rollback/001_b.sql": "SELECT 1;"})
    plan = planned(made)
    made.write({"pending/001_b.sql": "SELECT 2;"})
    with pytest.raises(UsageError, match="changed since"):
        carry_out(plan)
    assert "pending/001_b.sql" in made.names()


def test_target_that_came_in_between_stops_everything(project: Make) -> None:
    made = project({"pending/001_a.sql": A, "pending/001_b.sql": "SELECT 1;", "rollback/001_b.sql": "SELECT 1;"})
    plan = planned(made)
    made.write({"rollback/002_B.sql": "SELECT 2;"})
    before = made.names()
    with pytest.raises(UsageError, match="already there"):
        carry_out(plan)
    assert made.names() == before


def test_failure_half_way_puts_everything_back(project: Make) -> None:
    made = project(
        {
            "applied/002_z.sql": "SELECT 1;",
            "pending/001_a.sql": "-- depends: 002_z\nSELECT 2;",
            "pending/003_b.sql": "-- depends: 001\nSELECT 3;",
            "rollback/001_a.sql": "SELECT 4;",
        }
    )
    plan = planned(made)
    # the last rename is bent to a name that the file system refuses
    last = plan.moves[-1]
    impossible = Path(last.target.parent, "n" * 300 + ".sql")
    bent = Resolution((*plan.moves[:-1], type(last)(last.source, impossible, last.why, last.sha256)), ())
    before = {n: (made.layout.base / n).read_bytes() for n in made.names()}
    with pytest.raises(UsageError, match="cannot rename"):
        carry_out(bent)
    assert {n: (made.layout.base / n).read_bytes() for n in made.names()} == before


STATEMENTS = st.sampled_from(
    [
        "CREATE TABLE a (id int);",
        "CREATE TABLE b (id int);",
        "ALTER TABLE a ADD COLUMN x int;",
        "ALTER TABLE b ALTER id TYPE bigint;",
        "ALTER TABLE a DROP COLUMN x;",
        "CREATE INDEX i ON a (x);",
        "UPDATE b SET id = 1;",
        "SELECT 1;",
        "DO $$ BEGIN END $$;",
    ]
)
FILES = st.lists(
    st.tuples(
        st.sampled_from(["pending", "pending", "pending", "applied", "archived"]),
        st.integers(1, 6),
        st.sampled_from(["a", "b", "fix_a", "Fix_A"]),
        st.lists(STATEMENTS, min_size=1, max_size=3),
        st.none() | st.integers(1, 7),
    ),
    min_size=1,
    max_size=7,
    unique_by=lambda f: (f[0], f[1], f[2]),
)


@settings(max_examples=60, deadline=None)
@given(files=FILES, scripts=st.sets(st.tuples(st.integers(1, 6), st.sampled_from(["a", "b"])), max_size=3))
def test_renumbering_keeps_order_and_loses_no_file(
    files: list[tuple[str, int, str, list[str], int | None]], scripts: set[tuple[int, str]]
) -> None:
    with TemporaryDirectory() as folder:
        made = Project(Layout(Path(folder)))
        for serial, (state, number, name, statements, needs) in enumerate(files):
            header = f"-- depends: {needs:03}\n" if needs else ""
            text = f"{header}{' '.join(statements)} -- {serial}\n"
            made.write({f"{state}/{number:03}_{name}.sql": text})
        for number, name in scripts:
            made.write({f"rollback/{number:03}_{name}.sql": f"SELECT '{number} {name}';"})
        case = made.case()
        graph = order_graph(case)
        told = made.findings()
        plan = resolution(case, told)
        before = _bodies(made)
        fixed_files = {n for n in made.names() if n.startswith(("applied/", "archived/"))}
        carry_out(plan)

        assert _bodies(made) == before
        assert fixed_files <= made.names()
        assert _told(made.findings()) == _told(plan.left)
        after = made.case()
        if plan.moves:
            assert "conflict-out-of-order" not in {f.rule for f in made.findings()}
            unsure = any("which may be" in f.title for f in told)  # a person has to say which of two files was meant
            assert unsure or not resolution(after, made.findings()).moves
            moved = {str(m.source): str(m.target) for m in plan.moves}
            place = {str(m.path): i for i, m in enumerate(after.ordered)}
            for migration in case.pending:
                for needed in graph[node(migration)]:
                    mine, other = node(migration), needed
                    if mine in moved or other in moved:
                        assert place[moved.get(other, other)] < place[moved.get(mine, mine)]


def _bodies(made: Project) -> list[str]:
    """The files' texts without their headers, sorted."""
    texts = [(made.layout.base / n).read_text(encoding="utf-8") for n in made.names()]
    return sorted("\n".join(line for line in t.splitlines() if not line.startswith("-- depends")) for t in texts)


def _told(findings: tuple[Finding, ...]) -> list[tuple[str, str]]:
    """What is found, without the gaps: those that the moves themselves leave are told once and not planned with."""
    return [(f.path, f.title) for f in findings if f.rule != "conflict-missing-number"]
