"""The short way into a command reads what typer reads, and leaves it what it cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agentdb.cli import quick
from agentdb.cli.check import check
from agentdb.cli.explain import explain


@pytest.mark.parametrize(
    ("arguments", "values"),
    [
        ([], {}),
        (["a.sql", "b"], {"files": [Path("a.sql"), Path("b")]}),
        (["--static", "a.sql"], {"static": True, "files": [Path("a.sql")]}),
        (["--format", "json", "--format=text"], {"format": "text"}),
        (["--in-transaction"], {"in_transaction": True}),
        (["--no-transaction"], {"in_transaction": False}),
        (["--pg-version", "16"], {"pg_version": 16}),
        (["--schema-dir", "x", "-"], {"schema_dir": Path("x"), "files": [Path("-")]}),
        (["--enable", "a", "--enable=b"], {"enable": ["a", "b"]}),
    ],
)
def test_plain_arguments_are_read(arguments: list[str], values: dict[str, Any]) -> None:
    found = quick.parsed(check, arguments)
    defaults = quick.parsed(check, [])
    assert found is not None and defaults is not None
    assert {k: v for k, v in found.items() if v != defaults[k] or k in values} == values


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--nope"],
        ["--format"],
        ["--static=1"],
        ["--pg-version", "9"],
        ["--pg-version", "x"],
        ["--", "a"],
        ["-h"],
    ],
)
def test_the_rest_is_left_to_typer(arguments: list[str]) -> None:
    assert quick.parsed(check, arguments) is None


def test_one_word_too_many_is_left_to_typer() -> None:
    assert quick.parsed(explain, ["a"]) == {"rule": "a"}
    assert quick.parsed(explain, ["a", "b"]) is None


def test_other_commands_are_left_to_typer() -> None:
    assert quick.run(["status"]) is None
    assert quick.run(["--version"]) is None
    assert quick.run([]) is None


def test_typer_gives_the_same_values(monkeypatch: pytest.MonkeyPatch) -> None:
    import typer
    from typer.testing import CliRunner

    seen: list[dict[str, Any]] = []
    words = [
        "a.sql",
        "--static",
        "--format=json",
        "--pg-version",
        "16",
        "--no-transaction",
        "--enable",
        "x",
        "--since",
        "r",
    ]

    def spy(**values: Any) -> None:
        seen.append(values)

    spy.__signature__ = __import__("inspect").signature(check, eval_str=True)  # type: ignore[attr-defined]
    spy.__annotations__ = {}
    app = typer.Typer()
    app.command()(spy)
    assert CliRunner().invoke(app, words).exit_code == 0
    found = quick.parsed(check, words)
    assert found is not None
    assert {k: v or None for k, v in seen[0].items()} == {k: v or None for k, v in found.items()}
