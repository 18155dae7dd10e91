"""A generated page: sections that each carry the fingerprint of what they tell, and room for a person's notes.

    <!-- agentdb:page d1 -->
    <!-- agentdb:section columns 0123456789abcdef -->
    ...
    <!-- notes:table -->
    kept as it is
    <!-- /notes:table -->
    <!-- agentdb:end -->

Marks count only on a line of their own. What the database says cannot make such a line: see text.block and text.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

# Raised when pages of one state of the schema come out otherwise; then their text is not compared, only facts.
FORMAT = 1

PAGE = re.compile(r"<!-- agentdb:page d(?P<format>\d+)(?: [^>]*)?-->")
SECTION = re.compile(r"<!-- agentdb:section (?P<name>\S+) (?P<facts>[0-9a-f]{16}) -->")
END = "<!-- agentdb:end -->"
NOTES = re.compile(r"<!-- notes:(?P<name>\S+) -->")
NOTES_END = re.compile(r"<!-- /notes:(?P<name>\S+) -->")


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page. facts: the fingerprint of the objects that it tells of (outline.facts)."""

    name: str
    facts: str
    body: str
    notes: bool = False  # room for notes follows it


@dataclass(frozen=True, slots=True)
class Page:
    """A file of the documentation. path: relative to the folder of the documentation, with /."""

    path: str
    title: str
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True)
class Read:
    """What stands in a file: facts and body of each section, the notes by name; `ours` is False when agentdb did not
    write it."""

    ours: bool
    format: int = 0
    title: str = ""
    sections: Mapping[str, Section] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)


def rendered(page: Page, notes: Mapping[str, str] | None = None) -> str:
    """The page's text, with notes at their places. Notes whose section is gone stand at the end."""
    left = dict(notes or {})
    parts = [f"<!-- agentdb:page d{FORMAT} -->\n# {page.title}\n"]
    for section in page.sections:
        parts.append(f"<!-- agentdb:section {section.name} {section.facts} -->\n{section.body.strip(chr(10))}\n")
        if section.notes:
            parts.append(_notes(section.name, left.pop(section.name, "")))
    for name in sorted(left):
        if left[name].strip():
            parts.append(f"<!-- agentdb:section notes-of-{name} {'0' * 16} -->\nNotes on {name}, which is gone:\n")
            parts.append(_notes(name, left[name]))
    return "\n".join(parts) + f"\n{END}\n"


def _notes(name: str, text: str) -> str:
    inner = f"{text.strip(chr(10))}\n" if text.strip() else ""
    return f"<!-- notes:{name} -->\n{inner}<!-- /notes:{name} -->\n"


def read(text: str) -> Read:
    """The sections and notes of a page's text. Notes that are not closed go on to the end of the file."""
    lines = text.replace("\r\n", "\n").split("\n")
    first = PAGE.fullmatch(lines[0]) if lines else None
    if first is None:
        return Read(False)
    sections: dict[str, Section] = {}
    notes: dict[str, str] = {}
    name = facts = ""
    body: list[str] = []
    inside = ""  # the notes that we are in
    kept: list[str] = []

    def close() -> None:
        if name:
            sections[name] = Section(name, facts, "\n".join(body).strip("\n"))
        body.clear()

    for line in lines[1:]:
        if inside:
            end = NOTES_END.fullmatch(line)
            if end and end["name"] == inside:
                notes[inside] = "\n".join(kept)
                inside = ""
            else:
                kept.append(line)
        elif start := NOTES.fullmatch(line):
            inside, kept = start["name"], []
        elif mark := SECTION.fullmatch(line):
            close()
            name, facts = mark["name"], mark["facts"]
        elif line == END:
            close()
            name = ""
        else:
            body.append(line)
    if inside:
        notes[inside] = "\n".join(kept).removesuffix(f"\n{END}\n")
    close()
    title = next((x.removeprefix("# ") for x in lines[1:] if x.startswith("# ")), "")
    return Read(True, int(first["format"]), title, sections, notes)
