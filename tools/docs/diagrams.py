"""The files of the diagram: Mermaid text, a Markdown page with it in parts, an SVG picture, a page for a browser."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .drawing import picture, svg
from .erd import Diagram, facts_of, mermaid_of
from .erd_page import page as browser_page
from .groups import Group, groups
from .outline import facts
from .page import FORMAT, Page, Section
from .tables import link
from .text import block, counted, md, slug

MARK = re.compile(r"agentdb:page d(?P<format>\d+) (?P<facts>[0-9a-f]{16})\b")
OVERVIEW = 60  # most tables in the overview that is drawn; beyond, the parts are listed


@dataclass(frozen=True, slots=True)
class Whole:
    """A file of one piece that carries its fingerprint in a comment near its top."""

    path: str
    facts: str
    text: str


def diagram_files(drawn: Diagram) -> tuple[Whole, ...]:
    """The files that are no Markdown: erd.mmd, erd.svg, erd.html."""
    told = facts_of(drawn)
    mark = f"agentdb:page d{FORMAT} {told}"
    shapes = picture(drawn)
    first, rest = svg(drawn, shapes).split("\n", 1)
    return (
        Whole("schema/erd.mmd", told, f"%% {mark}\n{mermaid_of(drawn)}"),
        Whole("schema/erd.svg", told, f"{first}\n<!-- {mark} -->\n{rest}"),
        Whole("schema/erd.html", told, browser_page(drawn, f"<!-- {mark} -->", shapes)),
    )


def diagram_page(drawn: Diagram) -> Page:
    """erd.md: the diagram in Mermaid, in parts when it is large."""
    parts = groups(drawn)
    about = (
        "Read `||` as exactly one, `o|` as none or one, `o{` as any number. "
        "[erd.html](erd.html) is the same to search and zoom in a browser, without a network."
    )
    sections = [Section("about", facts([], about), about, notes=True)]
    if not parts:
        return Page("schema/erd.md", "Diagram", (*sections, Section("none", facts([], "none"), "There are no tables.")))
    if len(parts) > 1:
        sections.append(_overview(drawn, parts))
    for group in parts:
        part = drawn.part(set(group.tables))
        heading = f"## {md(group.name[:1].upper() + group.name[1:])}\n\n" if len(parts) > 1 else ""
        sections.append(Section(_name(group), facts_of(part), heading + block(mermaid_of(part), "mermaid")))
    return Page("schema/erd.md", "Diagram", tuple(sections))


def _overview(drawn: Diagram, parts: tuple[Group, ...]) -> Section:
    """The tables without their columns where that can be drawn; else which part each table is in."""
    lines = ["## Overview", ""]
    if len(drawn.entities) <= OVERVIEW:
        lines.append(block(mermaid_of(drawn, columns=False), "mermaid"))
    for group in parts:
        names = ", ".join(link(t, "tables/") for t in group.tables)
        lines.append(f"- {md(group.name)} ({counted(len(group.tables), 'table')}): {names}")
    body = "\n".join(lines)
    return Section("overview", facts([], body), body)


def _name(group: Group) -> str:
    """A name for the group's section that stays while its first table does."""
    first = group.tables[0]
    return f"part.{slug(first.schema, first.name)}"
