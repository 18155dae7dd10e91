"""Many files are checked in several processes: nothing but the time may differ."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from agentdb.cli import spread
from agentdb.cli.app import main


def _files(folder: Path, count: int) -> Path:
    folder.mkdir()
    for number in range(count):
        unsafe = f"ALTER TABLE orders ALTER COLUMN total_{number} TYPE bigint;\n"
        (folder / f"{number:03d}.sql").write_text(unsafe if number % 3 else "SELECT 1 FRO;\n" if number % 2 else "")
    return folder


def _report(folder: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    with pytest.raises(SystemExit):
        main(["check", "--static", "--format", "json", str(folder)])
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_many_files_are_checked_as_one_process_would(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = _files(tmp_path / "files", spread.FEWEST + 10)
    several = _report(folder, capsys)
    monkeypatch.setattr(spread, "FEWEST", 10_000)
    assert several == _report(folder, capsys)
    assert len({f["file"] for f in several["findings"]}) > spread.CHUNK  # type: ignore[attr-defined]


def _piece(number: int) -> tuple[int, int]:
    time.sleep(0.002)  # long enough that nobody can take them all
    return number, os.getpid()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_the_work_is_shared_and_comes_back_in_the_order_given() -> None:
    done = spread.spread(_piece, 4 * spread.FEWEST)
    assert [number for number, _ in done] == list(range(4 * spread.FEWEST))
    if len(os.sched_getaffinity(0)) > 1:
        assert len({pid for _, pid in done}) > 1


def test_an_error_is_the_one_that_a_single_process_meets() -> None:
    for wrong in (0, 7, spread.FEWEST - 1):
        with pytest.raises(ZeroDivisionError):
            spread.spread(lambda number, wrong=wrong: _piece(1 // (number - wrong)), spread.FEWEST)  # type: ignore[misc]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_what_a_helper_that_died_had_taken_is_done_here() -> None:
    here = os.getpid()

    def deadly(number: int) -> tuple[int, int]:
        if os.getpid() != here:
            os.kill(os.getpid(), signal.SIGKILL)
        return _piece(number)

    assert spread.spread(deadly, spread.FEWEST) == [(number, here) for number in range(spread.FEWEST)]


def test_more_pieces_than_a_pipe_has_room_for_numbers() -> None:
    count = spread.PIPE_HOLDS * spread.CHUNK + 5
    assert spread.spread(lambda number: number, count) == list(range(count))


def test_little_work_stays_here() -> None:
    assert spread.spread(lambda _: os.getpid(), 3) == [os.getpid()] * 3
