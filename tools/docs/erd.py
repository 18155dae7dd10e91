"""The schema as an entity relationship diagram: what is in it, and its text for Mermaid."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection
from dataclasses import dataclass

from ..schema.model import ObjectId, Snapshot
from .outline import Outline, shown_name
from .tables import key_marks
from .text import first_line, mermaid_label, mermaid_word, slug

MOST_COLUMNS = 60  # of a table in Mermaid, which draws no text beyond 50,000 characters

# Names that PostgreSQL takes for the same types, short enough for a diagram. Source: manual, table "Data Types".
SHORT = (
    (re.compile(r"\bcharacter varying\b"), "varchar"),
    (re.compile(r"\bcharacter\b"), "char"),
    (re.compile(r"\btimestamp(\(\d\))? with time zone\b"), r"timestamptz\1"),
    (re.compile(r"\btimestamp(\(\d\))? without time zone\b"), r"timestamp\1"),
    (re.compile(r"\btime(\(\d\))? with time zone\b"), r"timetz\1"),
    (re.compile(r"\btime(\(\d\))? without time zone\b"), r"time\1"),
    (re.compile(r"\bdouble precision\b"), "float8"),
    (re.compile(r"^public\."), ""),
)


@dataclass(frozen=True, slots=True)
class Field:
    """A column in a diagram. marks: PK, FK, UK."""

    name: str
    type: str
    marks: tuple[str, ...]
    required: bool
    comment: str


@dataclass(frozen=True, slots=True)
class Entity:
    """A table in a diagram. key: its name as an identifier, stable while the table keeps its name."""

    id: ObjectId
    key: str
    title: str
    comment: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """A foreign key: `child.columns` point at `parent.parent_columns`."""

    name: str
    child: ObjectId
    columns: tuple[str, ...]
    parent: ObjectId
    parent_columns: tuple[str, ...]
    optional: bool
    unique: bool


@dataclass(frozen=True, slots=True)
class Diagram:
    """Tables by schema and name, and the foreign keys between them."""

    entities: tuple[Entity, ...]
    links: tuple[Link, ...]

    def part(self, chosen: Collection[ObjectId]) -> Diagram:
        """The diagram of some tables; a table outside that one of them points at stands there without columns."""
        links = tuple(k for k in self.links if k.child in chosen)
        needed = {k.parent for k in links}
        inside = tuple(
            e if e.id in chosen else Entity(e.id, e.key, e.title, "", ())
            for e in self.entities
            if e.id in chosen or e.id in needed
        )
        return Diagram(inside, links)


def diagram(outline: Outline) -> Diagram:
    """The tables (without partitions) and foreign keys of a schema."""
    entities = []
    taken: set[str] = set()
    for table in outline.tables:
        marks = key_marks(outline, table.id)
        fields = tuple(
            Field(
                column.id.name,
                short_type(column.properties["type"]),
                marks.get(column.id.name, ()),
                bool(column.properties.get("not_null")),
                first_line(column.properties.get("comment", "")),
            )
            for column in outline.parts(table.id, "column")
        )
        key = re.sub(r"[^a-z0-9_]", "_", slug(table.id.schema, table.id.name))
        if key in taken:  # "a_b"."c" and "a"."b_c"
            key = re.sub(r"[^a-z0-9_]", "_", slug(table.id.schema, table.id.name, "*"))
        taken.add(key)
        comment = first_line(table.properties.get("comment", ""))
        entities.append(Entity(table.id, key, shown_name(table.id), comment, fields))
    links = tuple(
        Link(k.name, k.child, k.columns, k.parent, k.parent_columns, k.optional, k.unique)
        for k in sorted(outline.foreign_keys, key=lambda k: (k.child, k.name))
    )
    return Diagram(tuple(entities), links)


def short_type(text: str) -> str:
    """A type's name as diagrams show it: "timestamptz" for "timestamp with time zone"."""
    for pattern, short in SHORT:
        text = pattern.sub(short, text)
    return text


def facts_of(drawn: Diagram) -> str:
    """The fingerprint of everything that a diagram shows."""
    tables = [
        [*e.id, e.comment, [[f.name, f.type, f.marks, f.required, f.comment] for f in e.fields]] for e in drawn.entities
    ]
    links = [[k.name, k.child, k.columns, k.parent, k.parent_columns, k.optional, k.unique] for k in drawn.links]
    return hashlib.sha256(json.dumps([tables, links]).encode()).hexdigest()[:16]


def mermaid(snapshot: Snapshot) -> str:
    """The whole schema as Mermaid text; see `mermaid_of`."""
    return mermaid_of(diagram(Outline(snapshot)))


def mermaid_of(drawn: Diagram, *, columns: bool = True) -> str:
    """A diagram as Mermaid text (erDiagram), one line feed last.

    Tables are named by identifiers and labelled with their names; what Mermaid would not take is replaced by
    something alike, and the true name of such a column stands in its comment.
    Source: Mermaid, "Entity Relationship Diagrams", and the grammar of its version 11.
    """
    keys = {e.id: e.key for e in drawn.entities}
    lines = ["erDiagram"]
    for entity in drawn.entities:
        head = f'    {entity.key}["{mermaid_label(entity.title) or "?"}"]'
        if not columns or not entity.fields:
            lines.append(head)
            continue
        lines.append(f"{head} {{")
        shown = entity.fields if len(entity.fields) <= MOST_COLUMNS else entity.fields[: MOST_COLUMNS - 1]
        lines += [f"        {_field(field)}" for field in shown]
        if len(shown) < len(entity.fields):
            lines.append(f"        etc more_{len(entity.fields) - len(shown)}_columns")
        lines.append("    }")
    for link in drawn.links:
        one = "|o" if link.optional else "||"
        many = "o|" if link.unique else "o{"
        by = mermaid_label(", ".join(link.columns), 40)
        lines.append(f'    {keys[link.parent]} {one}--{many} {keys[link.child]} : "{by}"')
    return "\n".join(lines) + "\n"


def _field(field: Field) -> str:
    kind = _type_word(field.type)
    name = mermaid_word(field.name)
    told = []
    if name != field.name:
        told.append(field.name)
    if kind.replace("_", "") != re.sub(r"[\s,._]", "", field.type):
        told.append(field.type)
    if field.comment:
        told.append(field.comment)
    marks = ", ".join(field.marks)
    label = mermaid_label(": ".join(told), 80)
    comment = f' "{label}"' if label else ""
    return f"{kind} {name}{f' {marks}' if marks else ''}{comment}"


def _type_word(text: str) -> str:
    """A type as Mermaid's grammar takes it: letters, digits, _ - ( ) [ ]."""
    word = re.sub(r"[^A-Za-z0-9_()\[\]]+", "_", text).strip("_")
    return word if word[:1].isalpha() else f"t_{word}"
