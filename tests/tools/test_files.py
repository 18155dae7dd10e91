"""Migration files: names, order, headers, fingerprints, and what is wrong with a bad one."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentdb.errors import MigrationFileError, UsageError
from agentdb.tools import files, naming


def put(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_line_endings_and_trailing_blanks_do_not_change_the_checksum() -> None:
    unix = "SELECT 1;\nSELECT 'a ';\n"
    assert naming.checksum(unix) == naming.checksum("\ufeffSELECT 1;  \r\nSELECT 'a ';\r\n\r\n")
    assert naming.checksum(unix) != naming.checksum("SELECT 1;\nSELECT 'a';\n")


def test_the_next_number_is_as_wide_as_the_widest() -> None:
    assert naming.next_version([]) == "001"
    assert naming.next_version(["001", "012"]) == "013"
    assert naming.next_version(["20260101120000"]) == "20260101120001"


def test_discover_sorts_by_number_and_keeps_duplicates(tmp_path: Path) -> None:
    layout = files.Layout(tmp_path)
    for name in ("010_c.sql", "002_b.sql", "002_a.sql"):
        put(layout.pending / name, "SELECT 1;")
    put(layout.applied / "001_first.sql", "SELECT 1;")
    put(layout.rollback / "002_b.sql", "SELECT 2;")
    found = files.discover(layout)
    assert [m.label for m in found] == ["001_first", "002_a", "002_b", "010_c"]
    assert [m.state for m in found] == ["applied", "pending", "pending", "pending"]
    assert [bool(m.rollback_path) for m in found] == [False, False, True, False]


def test_headers_are_read_from_the_comments_at_the_top_only(tmp_path: Path) -> None:
    path = put(
        tmp_path / "003_x.sql",
        "-- purpose: faster: much faster\n-- depends: 001, 002\n-- agentdb: no-transaction\n-- nonsense: x\n"
        "SELECT 1;\n-- depends: 999\n",
    )
    migration = files.read_migration(path)
    assert migration.headers == {
        "purpose": ("faster: much faster",),
        "depends": ("001", "002"),
        "agentdb": ("no-transaction",),
    }
    assert migration.no_transaction


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"  \n\t\n", "empty"),
        (b"SELECT 1;\nSELECT '\xff';", "0xff"),
        (b"SELECT 1;\nSELECT '\x00';", "NUL"),
    ],
)
def test_a_bad_file_gives_one_error_with_its_place(tmp_path: Path, content: bytes, says: str) -> None:
    path = put(tmp_path / "001_bad.sql", content)
    with pytest.raises(MigrationFileError, match=says) as caught:
        files.read_migration(path)
    assert caught.value.where.startswith(str(path))
    assert caught.value.hint


def test_a_directory_and_a_missing_file_are_told(tmp_path: Path) -> None:
    with pytest.raises(MigrationFileError, match="directory"):
        files.read_migration(tmp_path)
    with pytest.raises(MigrationFileError, match="no such file"):
        files.read_migration(tmp_path / "nope.sql")


def test_a_file_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "001_big.sql"
    with path.open("wb") as stream:
        stream.truncate(files.MAX_BYTES + 1)
    with pytest.raises(MigrationFileError, match="16 MB"):
        files.read_migration(path)


def test_a_badly_named_file_is_told_with_a_better_name(tmp_path: Path) -> None:
    layout = files.Layout(tmp_path)
    put(layout.pending / "Add Email.sql", "SELECT 1;")
    with pytest.raises(MigrationFileError) as caught:
        files.discover(layout)
    assert "001_add_email.sql" in caught.value.hint


def test_without_a_folder_the_way_on_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        files.discover(files.Layout(tmp_path))
    assert "agentdb init" in caught.value.hint


def test_writing_leaves_the_old_file_when_it_fails(tmp_path: Path) -> None:
    path = put(tmp_path / "a.txt", "old")
    with pytest.raises(UnicodeEncodeError):
        files.write_whole(path, "\ud800")
    assert path.read_text() == "old"
    files.write_whole(path, "new")
    assert path.read_text() == "new"
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".") and p.read_text() == "new"] == []


def test_a_move_never_overwrites(tmp_path: Path) -> None:
    layout = files.Layout(tmp_path)
    migration = files.read_migration(put(layout.pending / "001_a.sql", "SELECT 1;"), layout)
    put(layout.applied / "001_a.sql", "SELECT 2;")
    with pytest.raises(UsageError, match="already there"):
        files.move(migration, layout.applied)
    assert migration.path.exists()
