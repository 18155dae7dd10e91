"""A file that is not SQL text."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Hit, rule
from ..step import Step


@rule(
    id="unreadable-file",
    title="File that cannot be read as SQL",
    severity=Severity.ERROR,
    category=Category.HYGIENE,
    why="Files are UTF-8 text without NUL bytes and of at most 16 MB; what cannot be read is not taken for safe.",
    fix="Save the file as UTF-8, and load large data outside of migrations.",
    bad="",
    good="",
    source="docs/migrations.md.",
)
def check(step: Step) -> Iterator[Hit]:
    return iter(())  # found where files are read
