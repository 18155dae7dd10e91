"""The front page of the schema's documentation."""

from __future__ import annotations

from .drawing import ONE_PICTURE
from .outline import Outline, facts, shown_name
from .page import Page, Section
from .tables import link, markdown_table
from .text import code, counted, first_line, md


def index_page(outline: Outline) -> Page:
    """README.md: the tables by schema with their purpose, and links to everything else."""
    schemas: dict[str, list[tuple[str, str]]] = {}
    for table in outline.tables:
        purpose = md(first_line(table.properties.get("comment", "")))
        schemas.setdefault(table.id.schema, []).append((link(table.id, "tables/"), purpose))
    parts = []
    for schema in sorted(schemas, key=lambda s: (s != "public", s)):
        heading = f"### Schema {code(schema)}\n\n" if len(schemas) > 1 else ""
        parts.append(heading + markdown_table(("Table", "Purpose"), schemas[schema]))
    body = "\n\n".join(parts) if parts else "There are no tables."
    sections = [
        Section("about", facts([], "about"), _ABOUT, notes=True),
        Section("tables", facts([], body), f"## Tables\n\n{body}"),
    ]
    if outline.tables and len(outline.tables) <= ONE_PICTURE:
        sections.insert(1, Section("picture", facts([], "picture"), "[![Diagram of the tables](erd.svg)](erd.md)"))
    rest = _rest(outline)
    if rest:
        sections.append(Section("rest", facts([], rest), f"## Everything else\n\n{rest}"))
    return Page("schema/README.md", "Database schema", tuple(sections))


_ABOUT = (
    "Written by `agentdb docs` from the database's catalog. Text between `notes` marks is yours and is kept; "
    "everything else is written anew.\n\n"
    "- [Data dictionary](data_dictionary.md): every column of every table\n"
    "- [Diagram](erd.md), also as a [page to open in a browser](erd.html)\n"
    "- [How the schema came to be](CHANGELOG.md)"
)


def _rest(outline: Outline) -> str:
    """A line for each page that is there, with names where they are few."""
    families = (
        ("views", "view", "", outline.views),
        ("routines", "function or procedure", "functions and procedures", outline.routines),
        ("types", "type", "", outline.types),
        ("sequences", "sequence", "", outline.sequences),
        ("schemas", "schema", "schemas", outline.snapshot.of("schema")),
        ("extensions", "extension", "", outline.snapshot.of("extension")),
        ("others", "other object", "", outline.others),
    )
    lines = []
    for page, word, many, found in families:
        if found:
            names = ", ".join(md(shown_name(o.id)) for o in found[:8])
            more = f" and {len(found) - 8} more" if len(found) > 8 else ""
            lines.append(f"- [{counted(len(found), word, many)}]({page}.md): {names}{more}")
    return "\n".join(lines)
