"""agentdb rollback: what is a subcommand, and what is a migration's number."""

from __future__ import annotations

from typing import Any

import pytest

from agentdb.cli import rollback as folder
from agentdb.cli.app import main


@pytest.mark.parametrize(
    ("arguments", "goes_to"),
    [
        (["014"], "emergency"),
        (["014", "013_add_email", "--target", "prod"], "emergency"),
        (["--target", "prod", "014"], "emergency"),
        (["--dry-run", "14"], "emergency"),
        (["run", "014"], "run"),
        (["plan", "014"], "plan"),
        (["draft", "014_a.sql"], "draft"),
    ],
)
def test_numbers_go_to_the_emergency_command(arguments: list[str], goes_to: str, monkeypatch: Any) -> None:
    asked: list[str] = []

    def note(self: Any, ctx: Any, name: str) -> Any:
        asked.append(name)
        raise SystemExit(0)

    monkeypatch.setattr(folder.LazySubcommands, "get_command", note)
    with pytest.raises(SystemExit):
        main(["rollback", *arguments])
    assert asked[0] == goes_to


def test_what_is_neither_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["rollback", "nonsense"])
    assert ended.value.code == 2 and "No such command 'nonsense'" in capsys.readouterr().err


def test_the_help_names_every_subcommand(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["rollback", "--help"])
    shown = capsys.readouterr().out
    assert "NNN [NNN ...]" in shown
    assert all(name in shown for name in folder.SUBCOMMANDS if name != folder.EMERGENCY)
