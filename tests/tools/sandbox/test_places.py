"""Where the embedded server's files go."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from agentdb.tools.sandbox import places

MEMORY = Path("/dev/shm")


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The memory's file system, with a machine around it that is large enough by decree."""
    if sys.platform != "linux" or not places._is_tmpfs(MEMORY):
        pytest.skip("no file system in memory here")
    monkeypatch.setattr(places, "ROOM", 1)
    monkeypatch.setattr(places, "ENOUGH", 1)
    return MEMORY


def test_a_folder_that_was_named_goes_before_everything(tmp_path: Path) -> None:
    home = places.default_home("tests", {places.VARIABLE: str(tmp_path)})
    assert home.parent == tmp_path / "tests" and home.name.endswith(f"-r{places.REVISION}")


def test_with_plenty_of_memory_it_is_a_folder_of_the_users_own_there(room: Path) -> None:
    mine = places.in_memory(room)
    assert mine == room / f"agentdb-{os.geteuid()}"
    assert mine.stat().st_mode & 0o777 == 0o755 and mine.stat().st_uid == os.geteuid()
    assert places.default_home("tests", {}).is_relative_to(mine)


def test_with_little_memory_it_is_the_disk(room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "ENOUGH", 1 << 60)
    assert places.in_memory(room) is None
    assert not places.default_home("tests", {}).is_relative_to(room)
    monkeypatch.setattr(places, "ENOUGH", 1)
    monkeypatch.setattr(places, "ROOM", 1 << 60)
    assert places.in_memory(room) is None


def test_a_disk_is_not_taken_for_memory(tmp_path: Path, room: Path) -> None:
    assert places.in_memory(tmp_path) is None
    assert places.in_memory(tmp_path / "missing") is None
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_somebody_else_could_change_is_not_used(room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = room / "agentdb-places-test"
    monkeypatch.setattr(os, "geteuid", lambda: "places-test")
    theirs.mkdir()
    try:
        assert places.in_memory(room) is None, "it belongs to another user"
        theirs.rmdir()
        theirs.symlink_to("/tmp")
        assert places.in_memory(room) is None, "it leads elsewhere"
    finally:
        theirs.unlink() if theirs.is_symlink() else shutil.rmtree(theirs)
