"""What a branch changes, told by git: names of any bytes, links, moves, and what is not committed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from agentdb.errors import UsageError
from agentdb.tools.files import Layout
from agentdb.tools.pullrequest.gather import Gathered, gather
from agentdb.tools.pullrequest.git_range import changes, read_range

A = "CREATE TABLE a (id bigint PRIMARY KEY);\n"


class Repository:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.layout = Layout(root)
        self.put("applied/001_a.sql", A)
        self.put("pending/002_b.sql", "CREATE TABLE b (id bigint PRIMARY KEY);\n")
        self.git("init", "--quiet", "-b", "main")
        self.commit()
        self.git("switch", "--quiet", "-c", "feature")

    def put(self, name: str, text: str) -> Path:
        path = self.root / "migrations" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def git(self, *arguments: str) -> None:
        settings = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
        subprocess.run(["git", *settings, *arguments], cwd=self.root, check=True, capture_output=True)

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", "x")

    def gather(self, **options: bool) -> Gathered:
        return gather(self.layout, "main", **options)

    def told(self, **options: bool) -> list[tuple[str, str]]:
        return [(c.change, c.label) for c in self.gather(**options).changed]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def test_new_changed_renamed_moved_and_deleted(repository: Repository) -> None:
    repository.put("pending/003_c.sql", "CREATE TABLE c (id bigint PRIMARY KEY);\n")
    repository.put("applied/001_a.sql", A + "-- edited\n")
    repository.commit()
    assert repository.told() == [("modified", "001_a"), ("added", "003_c")]
    repository.git("mv", "migrations/pending/002_b.sql", "migrations/pending/004_b.sql")
    repository.git("mv", "migrations/pending/003_c.sql", "migrations/applied/003_c.sql")
    repository.commit()
    found = repository.gather()
    assert [(c.change, c.label, c.was) for c in found.changed] == [
        ("modified", "001_a", ""),
        ("added", "003_c", ""),
        ("renamed", "004_b", "migrations/pending/002_b.sql"),
    ]
    assert [c.label for c in found.chosen] == ["001_a", "003_c", "004_b"]
    assert {f.rule for f in found.conflicts} >= {"conflict-branch-edited"}
    repository.git("rm", "--quiet", "migrations/pending/004_b.sql")
    repository.commit()
    assert ("deleted", "002_b.sql") in repository.told()


def test_a_file_that_only_moves_to_applied_is_not_run_again(repository: Repository) -> None:
    repository.git("mv", "migrations/pending/002_b.sql", "migrations/applied/002_b.sql")
    repository.commit()
    found = repository.gather()
    assert [(c.change, c.label) for c in found.changed] == [("moved", "002_b")] and found.chosen == ()


def test_a_changed_rollback_is_about_its_migration(repository: Repository) -> None:
    repository.put("rollback/002_b.sql", "DROP TABLE b;\n")
    repository.commit()
    assert repository.told() == [("rollback", "002_b")]


def test_names_of_any_bytes(repository: Repository) -> None:
    folder = os.fsencode(repository.root / "migrations/pending")
    for name in (b'003 tab\tquote"back\\slash\nline.sql', b"004_\xff\xfe.sql", "005_é\u202e.sql".encode()):
        with open(folder + b"/" + name, "wb") as file:
            file.write(b"SELECT 1;\n")
    repository.commit()
    found = repository.gather()
    assert [c.problem is not None and c.problem.rule for c in found.changed] == ["unreadable-file"] * 3
    assert [c.path.rpartition("/")[2] for c in found.changed] == [
        '003 tab quote"back\\slash line.sql',
        "004_⟨U+DCFF⟩⟨U+DCFE⟩.sql",
        "005_é⟨U+202E⟩.sql",
    ]
    span = read_range(repository.root, "main")
    assert {os.fsencode(c.name) for c in changes(span, repository.layout.base)} >= {b"004_\xff\xfe.sql"}


def test_links_are_not_followed(repository: Repository, tmp_path_factory: pytest.TempPathFactory) -> None:
    secret = tmp_path_factory.mktemp("elsewhere") / "003_c.sql"
    secret.write_text("SELECT 'secret';\n")
    (repository.root / "migrations/pending/003_c.sql").symlink_to(secret)
    repository.commit()
    (one,) = repository.gather().changed
    assert one.migration is None and one.problem is not None and "symbolic link" in one.problem.title
    (repository.root / "migrations/rollback").symlink_to(secret.parent)
    (secret.parent / "002_b.sql").write_text("SELECT 'secret';\n")
    repository.commit()
    (b,) = [m for m in repository.gather().ordered if m.name == "b"]
    assert b.rollback_path is None


def test_a_folder_outside_the_repository_is_refused(
    repository: Repository, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "pending").mkdir()
    with pytest.raises(UsageError, match="outside"):
        gather(Layout(repository.root, str(outside)), "main")


def test_a_migrations_folder_behind_a_link_of_the_repository(repository: Repository) -> None:
    (repository.root / "database").symlink_to("migrations")
    repository.put("pending/003_c.sql", "SELECT 1;\n")
    repository.commit()
    found = gather(Layout(repository.root, "database"), "main")
    assert [(c.change, c.path) for c in found.changed] == [("added", "migrations/pending/003_c.sql")]


def test_what_is_not_committed_counts_only_when_asked(repository: Repository) -> None:
    repository.put("pending/003_c.sql", "CREATE TABLE c (id bigint PRIMARY KEY);\n")
    found = repository.gather()
    assert found.changed == () and "1 migration files that are not committed" in found.notes[0]
    assert "003_c" not in [m.label for m in found.ordered]
    assert repository.told(worktree=True) == [("added", "003_c")]
    repository.put("pending/002_b.sql", "SELECT 2;\n")
    with pytest.raises(UsageError, match="not as it was committed") as told:
        repository.gather()
    assert "--worktree" in told.value.hint
    assert repository.told(worktree=True) == [("modified", "002_b"), ("added", "003_c")]


def test_one_bad_file_takes_nothing_from_the_others(repository: Repository) -> None:
    (repository.root / "migrations/pending/003_c.sql").write_bytes(b"SELECT '\xff';\n")
    repository.put("pending/004_d.sql", "SELECT 1;\n")
    repository.put("notes.md", "x")
    repository.commit()
    assert repository.told() == [("added", "003_c.sql"), ("added", "004_d")]


def test_old_troubles_of_the_base_are_not_told(repository: Repository) -> None:
    repository.git("switch", "--quiet", "main")
    repository.put("pending/009_far.sql", "SELECT 1;\n")
    repository.commit()
    repository.git("switch", "--quiet", "-C", "feature", "main")
    repository.put("pending/010_new.sql", "SELECT 2;\n")
    repository.commit()
    assert repository.gather().conflicts == ()  # the gap from 002 to 009 was there before


def test_changed_settings_are_noticed(repository: Repository) -> None:
    assert not repository.gather().settings_changed
    (repository.root / "agentdb.toml").write_text("[hazards]\nfail_on = 'never'\n")
    repository.commit()
    assert repository.gather().settings_changed


@pytest.mark.parametrize("ref", ["--upload-pack=touch x", "-h", "nowhere", "", "main\0x"])
def test_a_ref_is_a_name(ref: str, repository: Repository) -> None:
    with pytest.raises(UsageError):
        gather(repository.layout, ref)


def test_no_repository_is_told(tmp_path: Path) -> None:
    (tmp_path / "migrations").mkdir()
    with pytest.raises(UsageError, match="not in a git repository"):
        gather(Layout(tmp_path), "main")
