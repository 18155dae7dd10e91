"""The documentation of the rules says what their records say."""

from __future__ import annotations

from pathlib import Path

from agentdb.tools.hazards import pages
from agentdb.tools.hazards.registry import rules


def test_the_pages_are_up_to_date() -> None:
    assert pages.stale() == [], "run python -m agentdb.tools.hazards.pages"


def test_every_rule_has_a_page_and_a_line() -> None:
    made = pages.pages()
    for rule in rules():
        assert rule.why in made[f"docs/rules/{rule.id}.md"]
        assert f"rules/{rule.id}.md" in made["docs/rules.md"]


def test_pages_are_written_mended_and_removed(tmp_path: Path) -> None:
    pages.write(tmp_path)
    assert pages.stale(tmp_path) == []
    (tmp_path / "docs/rules/adding-check.md").write_text("old")
    (tmp_path / "docs/rules/gone.md").write_text("old")
    assert pages.write(tmp_path) == ["docs/rules/adding-check.md", "docs/rules/gone.md"]
    assert pages.stale(tmp_path) == []
