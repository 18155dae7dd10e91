from __future__ import annotations

from pathlib import Path

import pytest

from agentdb.tools.conflicts.registry import Kind, kinds

PAGE = Path(__file__).parents[3] / "docs" / "conflicts.md"


@pytest.mark.parametrize("kind", kinds(), ids=lambda k: k.id)
def test_page_says_of_each_kind_what_its_code_does(kind: Kind) -> None:
    fix = "yes" if kind.fixable else ""
    line = f"| `{kind.id}` | {kind.severity.value} | {kind.condition} {kind.effect} | {kind.remedy} | {fix} |"
    assert line in PAGE.read_text(encoding="utf-8").splitlines()


def test_page_names_no_kind_that_is_not_there() -> None:
    named = {
        line.split("`")[1] for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `conflict-")
    }
    assert named == {k.id for k in kinds()}


def test_file_of_a_kind_is_named_like_it() -> None:
    for kind in kinds():
        name = kind.search.__module__.rpartition(".")[2]
        assert kind.id == f"conflict-{name.replace('_', '-')}"
