"""The data dictionary: every column of every table on one page."""

from __future__ import annotations

from ..schema.model import Snapshot
from .outline import Outline, facts
from .page import Page, Section, rendered
from .tables import column_rows, columns_table, link
from .text import md, slug

PATH = "schema/data_dictionary.md"


def dictionary_page(outline: Outline) -> Page:
    """A section for each table, with its columns."""
    about = "Every column of every table. PK, FK and UK: primary key, foreign key, unique on its own."
    sections = [Section("about", facts([], about), about)]
    for table in outline.tables:
        rows = list(column_rows(outline, table.id, "tables/"))
        comment = md(table.properties.get("comment", ""))
        body = f"## {link(table.id, 'tables/')}\n\n" + (f"{comment}\n\n" if comment else "") + columns_table(rows)
        told = facts(outline.parts(table.id, "column"), comment, *(row[0] + row[4] + row[-1] for row in rows))
        sections.append(Section(slug(table.id.schema, table.id.name), told, body))
    return Page(PATH, "Data dictionary", tuple(sections))


def markdown(snapshot: Snapshot) -> str:
    """The data dictionary of a snapshot as Markdown."""
    return rendered(dictionary_page(Outline(snapshot)))
