"""Two branches that git merges without a word, seen before the merge."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from agentdb.errors import UsageError
from agentdb.tools.conflicts.branches import read_branch
from agentdb.tools.conflicts.plan import carry_out, resolution

from .conftest import Project

Make = Callable[[Mapping[str, str]], Project]
A = "CREATE TABLE a (id bigint PRIMARY KEY, x int);"


def git(root: Path, *arguments: str) -> str:
    who = {f"GIT_{role}_{what}": "test@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    clean = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    done = subprocess.run(
        ["git", "-c", "core.autocrlf=false", "-c", "commit.gpgsign=false", *arguments],
        cwd=root,
        env={**clean, **who},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def commit(made: Project, files: Mapping[str, str]) -> None:
    made.write(files)
    git(made.layout.root, "add", "-A")
    git(made.layout.root, "commit", "-q", "--no-verify", "-m", "x")


@pytest.fixture
def parted(project: Make) -> Callable[[Mapping[str, str], Mapping[str, str]], Project]:
    """parted(theirs, ours): both branches grew from one with 001_a applied; `ours` is checked out."""

    def make(theirs: Mapping[str, str], ours: Mapping[str, str]) -> Project:
        made = project({})
        root = made.layout.root
        git(root, "init", "-q", "-b", "main")
        commit(made, {"applied/001_a.sql": A})
        git(root, "checkout", "-q", "-b", "feature")
        git(root, "checkout", "-q", "main")
        if theirs:
            commit(made, theirs)
        git(root, "checkout", "-q", "feature")
        if ours:
            commit(made, ours)
        return made

    return make


Parted = Callable[[Mapping[str, str], Mapping[str, str]], Project]


def rules(made: Project, base: str = "main") -> list[str]:
    return made.rules(branch=read_branch(made.layout, base))


def test_same_number_on_both_branches_is_found_before_the_merge(parted: Parted) -> None:
    made = parted({"pending/002_b.sql": "CREATE TABLE b ();"}, {"pending/002_c.sql": "CREATE TABLE c ();"})
    assert made.rules() == []
    assert rules(made) == ["branch-number"]


def test_renumbering_goes_past_the_other_branch(parted: Parted) -> None:
    theirs = {"pending/002_b.sql": "CREATE TABLE b ();", "pending/003_d.sql": "CREATE TABLE d ();"}
    made = parted(theirs, {"pending/002_c.sql": "CREATE TABLE c ();", "pending/003_e.sql": "CREATE INDEX i ON c (x);"})
    case = made.case(branch=read_branch(made.layout, "main"))
    carry_out(resolution(case, made.findings(branch=case.branch)))
    assert made.names() == {"applied/001_a.sql", "pending/004_c.sql", "pending/005_e.sql"}
    assert rules(made) == []


def test_lower_number_than_the_other_branch_has_added_is_found(parted: Parted) -> None:
    made = parted({"pending/003_b.sql": "CREATE TABLE b ();"}, {"pending/002_c.sql": "CREATE TABLE c ();"})
    assert rules(made) == ["branch-number"]


def test_file_that_is_not_committed_yet_counts(parted: Parted) -> None:
    made = parted({"pending/002_b.sql": "CREATE TABLE b ();"}, {})
    made.write({"pending/002_c.sql": "CREATE TABLE c ();"})
    assert rules(made) == ["branch-number"]


def test_same_column_on_both_branches_is_found(parted: Parted) -> None:
    made = parted(
        {"pending/002_b.sql": "ALTER TABLE a ALTER x SET NOT NULL;"},
        {"pending/003_c.sql": "ALTER TABLE a ALTER x TYPE bigint;"},
    )
    assert rules(made) == ["branch-object"]


def test_same_table_on_both_branches_is_an_error(parted: Parted) -> None:
    made = parted({"pending/002_b.sql": "CREATE TABLE b (x int);"}, {"pending/003_c.sql": "CREATE TABLE b (y int);"})
    (found,) = [f for f in made.findings(branch=read_branch(made.layout, "main")) if f.rule.endswith("branch-object")]
    assert found.severity == "error"
    assert "table b" in found.title


def test_different_columns_on_both_branches_are_no_conflict(parted: Parted) -> None:
    made = parted({"pending/002_b.sql": "ALTER TABLE a ADD y int;"}, {"pending/003_c.sql": "ALTER TABLE a ADD z int;"})
    assert rules(made) == []


def test_edit_of_a_merged_migration_is_found(parted: Parted) -> None:
    made = parted({}, {"applied/001_a.sql": A + " -- changed"})
    assert rules(made) == ["branch-edited"]


def test_move_from_pending_to_applied_is_no_edit(parted: Parted) -> None:
    made = parted({}, {"pending/002_b.sql": "CREATE TABLE b ();"})
    git(made.layout.root, "branch", "-f", "main", "feature")
    (made.layout.pending / "002_b.sql").rename(made.layout.applied / "002_b.sql")
    assert rules(made) == []


def test_removed_migration_is_found(parted: Parted) -> None:
    made = parted({}, {"pending/002_b.sql": "CREATE TABLE b ();"})
    (made.layout.applied / "001_a.sql").unlink()
    assert rules(made) == ["branch-edited"]


def test_same_file_on_both_branches_is_no_conflict(parted: Parted) -> None:
    same = {"pending/002_b.sql": "CREATE TABLE b ();"}
    assert rules(parted(same, same)) == []


def test_same_name_with_other_sql_is_left_to_a_person(parted: Parted) -> None:
    made = parted({"pending/002_b.sql": "CREATE TABLE b ();"}, {"pending/002_b.sql": "CREATE TABLE c ();"})
    case = made.case(branch=read_branch(made.layout, "main"))
    findings = made.findings(branch=case.branch)
    assert [f.rule for f in findings] == ["conflict-branch-number"]
    assert resolution(case, findings).moves == ()


def test_project_below_the_top_of_the_repository_is_read(tmp_path: Path, project: Make) -> None:
    from agentdb.tools.files import Layout

    git(tmp_path, "init", "-q", "-b", "main")
    made = Project(Layout(tmp_path / "services" / "sh öp"))
    made.layout.root.mkdir(parents=True)
    commit(made, {"applied/001_a.sql": "-- Ünïcode\r\n" + A})
    branch = read_branch(made.layout, "main")
    assert branch.common == {m.label: m.sha256 for m in made.case().migrations}
    assert made.findings(branch=branch) == ()


@pytest.mark.parametrize("base", ["nowhere", "--output=/tmp/x", "", "main^{tree}"])
def test_unknown_branch_is_a_clear_error(parted: Parted, base: str) -> None:
    with pytest.raises(UsageError):
        read_branch(parted({}, {}).layout, base)


def test_no_repository_is_a_clear_error(project: Make) -> None:
    made = project({"pending/001_a.sql": A})
    with pytest.raises(UsageError, match="git repository"):
        read_branch(made.layout, "main")


def test_nothing_in_the_repository_changes(parted: Parted) -> None:
    made = parted({"pending/002_b.sql": "CREATE TABLE b ();"}, {"pending/002_c.sql": "CREATE TABLE c ();"})
    before = git(made.layout.root, "status", "--porcelain"), git(made.layout.root, "rev-parse", "HEAD")
    read_branch(made.layout, "main")
    assert (git(made.layout.root, "status", "--porcelain"), git(made.layout.root, "rev-parse", "HEAD")) == before
