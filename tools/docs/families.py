"""The pages of everything that is no table: views, routines, types, sequences, extensions and the rarer kinds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ..schema.model import SchemaObject
from .outline import WIRING, Outline, facts, shown_name
from .page import Page, Section
from .tables import column_rows, columns_table, markdown_table
from .text import block, code, md, slug

Objects = Sequence[SchemaObject]


def family_pages(outline: Outline) -> Iterator[Page]:
    """One page for each family of objects that the schema has."""
    families: tuple[tuple[str, str, Objects, Callable[[Outline, SchemaObject], str]], ...] = (
        ("views", "Views", outline.views, _view),
        ("routines", "Functions and procedures", outline.routines, _routine),
        ("types", "Types", outline.types, _type),
        ("sequences", "Sequences", outline.sequences, _sequence),
        ("schemas", "Schemas", outline.snapshot.of("schema"), _schema),
        ("extensions", "Extensions", outline.snapshot.of("extension"), _extension),
        ("others", "Other objects", outline.others, _other),
    )
    for name, title, objects, body in families:
        if objects:
            sections = tuple(_section(outline, o, body) for o in objects)
            yield Page(f"schema/{name}.md", title, sections)


def _section(outline: Outline, found: SchemaObject, body: Callable[[Outline, SchemaObject], str]) -> Section:
    parts = (
        outline.all_parts(found.id) if found.id.kind in ("view", "materialized_view") else _domain_parts(outline, found)
    )
    heading = f"## {md(shown_name(found.id))}\n\n"
    comment = found.properties.get("comment", "")
    said = f"{md(comment)}\n\n" if comment else ""
    told = facts([], *found.id, comment) if found.id.kind in WIRING else facts([found, *parts])
    return Section(section_name(found), told, heading + said + body(outline, found), notes=True)


def section_name(found: SchemaObject) -> str:
    """The name of an object's section on its page: "view.public.totals"."""
    return slug(*filter(None, (found.id.kind, found.id.schema, found.id.name)))


def _domain_parts(outline: Outline, found: SchemaObject) -> Objects:
    return outline.parts(found.id, "domain_constraint") if found.id.kind == "domain" else ()


def _view(outline: Outline, view: SchemaObject) -> str:
    properties = view.properties
    word = "Materialized view" if view.id.kind == "materialized_view" else "View"
    options = ", ".join(code(f"{k}={v}") for k, v in sorted(properties.get("options", {}).items()))
    parts = [f"{word}{f' with {options}' if options else ''}."]
    parts.append(columns_table([_without_null(row) for row in column_rows(outline, view.id, "tables/")]))
    for kind in ("index", "trigger", "rule"):
        found = outline.parts(view.id, kind)
        if found:
            rows = [
                (md(o.id.name), code(o.properties["definition"]), md(o.properties.get("comment", ""))) for o in found
            ]
            parts.append(f"**{kind.capitalize()}es**" if kind == "index" else f"**{kind.capitalize()}s**")
            parts.append(markdown_table(("Name", "Definition", "Description"), rows))
    parts.append(folded("Definition", properties["definition"]))
    return "\n\n".join(parts)


def _without_null(row: Sequence[str]) -> Sequence[str]:
    """A view's column is never NOT NULL, which says nothing about its values."""
    return (*row[:2], "", *row[3:])


def folded(title: str, sql: str) -> str:
    """A piece of SQL that opens on a click. GitHub wants the blank lines."""
    return f"<details><summary>{title}</summary>\n\n{block(sql)}\n\n</details>"


def _routine(outline: Outline, routine: SchemaObject) -> str:
    properties = routine.properties
    rows = [("Arguments", code(properties.get("arguments", "")) or "none")]
    if properties.get("result"):
        rows.append(("Returns", code(properties["result"])))
    if properties.get("language"):
        rows.append(("Language", code(properties["language"])))
    told = [str(properties.get("volatility", ""))]
    told += [word for word, key in (("strict", "strict"), ("leakproof", "leakproof")) if properties.get(key)]
    if properties.get("security_definer"):
        told.append("**runs with its owner's rights** (security definer)")
    if properties.get("parallel", "unsafe") != "unsafe":
        told.append(f"parallel {properties['parallel']}")
    told += [f"with {code(f'{k}={v}')}" for k, v in sorted(properties.get("config", {}).items())]
    if any(told):
        rows.append(("Behaviour", ", ".join(filter(None, told))))
    word = {"aggregate": "Aggregate", "procedure": "Procedure"}.get(routine.id.kind, "Function")
    return f"{word}.\n\n{markdown_table(('', ''), rows)}\n\n{folded('Definition', properties['definition'])}"


def _type(outline: Outline, found: SchemaObject) -> str:
    properties = found.properties
    match found.id.kind:
        case "enum":
            return "Values, in order: " + ", ".join(code(label) or "`''`" for label in properties["labels"]) + "."
        case "composite":
            attributes = [(md(a["name"]), code(a["type"]), md(a.get("comment", ""))) for a in properties["attributes"]]
            return markdown_table(("Attribute", "Type", "Description"), attributes)
        case "domain":
            rows = [("Type", code(properties["type"])), ("Null", "no" if properties.get("not_null") else "yes")]
            if properties.get("default"):
                rows.append(("Default", code(properties["default"])))
            for constraint in outline.parts(found.id, "domain_constraint"):
                rows.append((md(constraint.id.name), code(constraint.properties["definition"])))
            return markdown_table(("Domain", ""), rows)
    return block(properties["definition"])


def _sequence(outline: Outline, sequence: SchemaObject) -> str:
    properties = sequence.properties
    owner = properties.get("owned_by")
    told = [f"{code(properties['type'])} from {properties['start']} by {properties['increment']}"]
    told.append(f"between {properties['min']} and {properties['max']}")
    if properties.get("cycle"):
        told.append("starts again at its end")
    belongs = f"Belongs to column {md('.'.join(owner))}." if owner else "Belongs to no column."
    return f"{', '.join(told)}.\n\n{belongs}"


def _schema(outline: Outline, schema: SchemaObject) -> str:
    return f"Schema {code(schema.id.name)}."


def _extension(outline: Outline, extension: SchemaObject) -> str:
    """Its version is the environment's: the snapshot in snapshots/ has it."""
    return f"In schema {code(extension.properties['schema'])}."


def _other(outline: Outline, found: SchemaObject) -> str:
    word = found.id.kind.replace("_", " ").capitalize()
    properties = found.properties
    if found.id.kind in WIRING:
        return f"{word}. Its options belong to the environment and are not shown."
    if properties.get("definition"):
        return f"{word}.\n\n{block(properties['definition'])}"
    shown = {k: v for k, v in sorted(properties.items()) if k not in ("owner", "grants", "comment")}
    rows = [(md(k.replace("_", " ")), code(_plain(v))) for k, v in shown.items()]
    return f"{word}.\n\n{markdown_table(('Property', 'Value'), rows)}"


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(_plain(v) for v in value)
    if isinstance(value, dict):
        return " ".join(f"{k}={_plain(v)}" for k, v in sorted(value.items()))
    return str(value)
