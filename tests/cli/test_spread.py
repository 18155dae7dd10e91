"""Many files are checked in several processes: nothing but the time may differ."""

from __future__ import annotations

import json
import os
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


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_the_work_is_done_by_others_in_the_order_given_and_errors_come_back() -> None:
    done = spread.spread(lambda number: (number, os.getpid()), spread.FEWEST)
    assert [number for number, _ in done] == list(range(spread.FEWEST))
    if len(os.sched_getaffinity(0)) > 1:
        assert os.getpid() not in {pid for _, pid in done}
    with pytest.raises(ZeroDivisionError):
        spread.spread(lambda number: 1 // (number - 7), spread.FEWEST)


def test_little_work_stays_here() -> None:
    assert spread.spread(lambda _: os.getpid(), 3) == [os.getpid()] * 3
