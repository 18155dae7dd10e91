from __future__ import annotations

from pathlib import Path

import pytest

from agentdb.tools.health.registry import Limit, checks

PAGE = Path(__file__).resolve().parents[3] / "docs/health.md"
BEGIN, END = "(generated from the code; tests/tools/health/test_docs.py holds it) -->\n", "<!-- checks: end -->"


def shown(value: float) -> str:
    return f"{value:,.0f}" if value >= 10_000 else f"{value:g}"


def table() -> str:
    lines = ["| check | question | thresholds and where they come from |", "| --- | --- | --- |"]
    for check in checks():
        limits = "<br>".join(_limit(name, limit) for name, limit in check.limits.items())
        lines.append(f"| `{check.id}` | {check.question} | {limits} |")
    return "\n".join(lines) + "\n"


def _limit(name: str, limit: Limit) -> str:
    return f"`{name}` {shown(limit.default)} {limit.meaning} ({limit.source})"


def test_the_page_names_every_check_and_threshold(request: pytest.FixtureRequest) -> None:
    text = PAGE.read_text(encoding="utf-8")
    start, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    if request.config.getoption("--update-golden", default=False):
        PAGE.write_text(text[:start] + table() + text[end:], encoding="utf-8")
    else:
        assert text[start:end] == table(), "run pytest --update-golden and read the diff"
