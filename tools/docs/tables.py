"""The page of a table: what it is for, its columns, keys, indexes, constraints, triggers, policies, and who needs it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ..schema.model import ObjectId, SchemaObject
from .outline import ForeignKey, Outline, facts, shown_name
from .page import Page, Section
from .text import code, counted, md, slug

FOLDER = "schema/tables"


def table_path(table: ObjectId) -> str:
    """Where the table's page lies, relative to the documentation's folder."""
    return f"{FOLDER}/{slug(table.schema, table.name)}.md"


def link(table: ObjectId, folder: str = "") -> str:
    """A link to a table's page, from a page in the same folder or from one above it."""
    return f"[{md(shown_name(table))}]({folder}{slug(table.schema, table.name)}.md)"


def table_page(outline: Outline, table: SchemaObject) -> Page:
    """The page of one table."""
    word = "Foreign table" if table.id.kind == "foreign_table" else "Table"
    return Page(table_path(table.id), f"{word} {md(shown_name(table.id))}", tuple(_sections(outline, table)))


def _sections(outline: Outline, table: SchemaObject) -> Iterator[Section]:
    yield Section("table", facts([table]), _purpose(table), notes=True)
    columns = outline.parts(table.id, "column")
    rows = list(column_rows(outline, table.id))
    yield Section(
        "columns", facts(columns, *(row[0] + row[-1] for row in rows)), "## Columns\n\n" + columns_table(rows)
    )
    constraints = outline.parts(table.id, "constraint")
    keys = [c for c in constraints if c.properties.get("type") in ("primary key", "unique", "foreign key")]
    if keys:
        yield Section("keys", facts(keys), "## Keys\n\n" + _constraints(keys))
    checks = [c for c in constraints if c not in keys]
    if checks:
        yield Section("constraints", facts(checks), "## Constraints\n\n" + _constraints(checks))
    for kind, title, body in (
        ("index", "Indexes", _indexes),
        ("trigger", "Triggers", _triggers),
        ("policy", "Policies", _policies),
        ("rule", "Rules", _rules),
    ):
        found = outline.parts(table.id, kind)
        if found:
            yield Section(title.lower(), facts(found), f"## {title}\n\n{body(found)}")
    partitions = outline.partitions.get(table.id, ())
    if partitions:
        inside = [part for p in partitions for part in (p, *outline.all_parts(p.id))]
        yield Section("partitions", facts(inside), "## Partitions\n\n" + _partitions(outline, partitions))
    incoming = outline.keys_to.get(table.id, ())
    if incoming:
        yield Section("referenced-by", facts(k.object for k in incoming), "## Referenced by\n\n" + _incoming(incoming))


def _purpose(table: SchemaObject) -> str:
    properties = table.properties
    comment = properties.get("comment", "")
    missing = f"*No purpose is written down. Say it with {code(_comment_on(table.id))}.*"
    lines = [md(comment) if comment else missing]
    told = []
    if properties.get("persistence") == "unlogged":
        told.append("Unlogged: its rows are lost when the server crashes.")
    if properties.get("partition_key"):
        told.append(f"Partitioned by {code(properties['partition_key'])}.")
    if properties.get("inherits"):
        told.append(f"Inherits from {', '.join(code(i) for i in properties['inherits'])}.")
    if properties.get("of_type"):
        told.append(f"Of type {code(properties['of_type'])}.")
    if properties.get("server"):
        told.append(f"Its rows are on server {code(properties['server'])}.")
    if properties.get("row_security"):
        forced = ", for its owner too" if properties.get("force_row_security") else ""
        told.append(f"Row security is on{forced}: see the policies.")
    if properties.get("options"):
        told.append("Storage: " + ", ".join(code(f"{k}={v}") for k, v in sorted(properties["options"].items())) + ".")
    return "\n\n".join([*lines, *told])


def _comment_on(id: ObjectId) -> str:
    from ..sql.quote import qualified

    return f"COMMENT ON TABLE {qualified(id.schema, id.name)} IS '...'"


Row = Sequence[str]
HEADINGS = ("Column", "Type", "Null", "Default", "Key", "Description", "References")


def column_rows(outline: Outline, table: ObjectId, folder: str = "") -> Iterator[Row]:
    """The cells of each column of a relation, in order; see HEADINGS. folder: from the page to the tables' pages."""
    marks = key_marks(outline, table)
    references: dict[str, list[str]] = {}
    for key in outline.keys_from.get(table, ()):
        for child, parent in zip(key.columns, key.parent_columns, strict=False):
            references.setdefault(child, []).append(f"{link(key.parent, folder)}.{md(parent)}")
    for column in outline.parts(table, "column"):
        properties = column.properties
        name = column.id.name
        yield (
            md(name),
            code(properties["type"])
            + (f" collate {code(properties['collation'])}" if "collation" in properties else ""),
            _null(properties),
            _default(properties),
            " ".join(marks.get(name, ())),
            md(properties.get("comment", "")),
            ", ".join(references.get(name, ())),
        )


def key_marks(outline: Outline, table: ObjectId) -> Mapping[str, tuple[str, ...]]:
    """PK, FK, UK by column; UK only where the column alone is unique."""
    marks: dict[str, list[str]] = {}
    for column in outline.primary_key(table):
        marks.setdefault(column, []).append("PK")
    for key in outline.keys_from.get(table, ()):
        for column in key.columns:
            if "FK" not in marks.setdefault(column, []):
                marks[column].append("FK")
    for unique in outline.unique_keys(table):
        if len(unique) == 1 and unique != outline.primary_key(table):
            marks.setdefault(unique[0], []).append("UK")
    return {k: tuple(dict.fromkeys(v)) for k, v in marks.items()}


def _null(properties: Mapping[str, object]) -> str:
    if properties.get("not_null_invalid"):
        return "no (old rows not checked)"
    return "no" if properties.get("not_null") else "yes"


def _default(properties: Mapping[str, object]) -> str:
    if properties.get("generated"):
        return f"{properties['generated']}: {code(str(properties.get('expression', '')))}"
    if properties.get("identity"):
        return f"identity, {properties['identity']}"
    return code(str(properties.get("default", "")))


def columns_table(rows: Sequence[Row]) -> str:
    """The columns as a Markdown table; columns of it that are empty everywhere are left out."""
    shown = [i for i in range(len(HEADINGS)) if i < 2 or any(row[i] for row in rows)]
    return markdown_table([HEADINGS[i] for i in shown], [[row[i] for i in shown] for row in rows])


def markdown_table(headings: Sequence[str], rows: Sequence[Row]) -> str:
    """A Markdown table; the cells are Markdown already."""
    if not rows:
        return "None."
    lines = [f"| {' | '.join(headings)} |", f"|{'|'.join(' --- ' for _ in headings)}|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def _constraints(found: Sequence[SchemaObject]) -> str:
    rows = []
    order = {"primary key": 0, "unique": 1, "foreign key": 2, "check": 3, "exclude": 4}
    for c in sorted(found, key=lambda c: (order.get(c.properties["type"], 9), c.id.name)):
        state = "not validated" if c.properties.get("not_valid") else ""
        state = "not enforced" if c.properties.get("not_enforced") else state
        said = ", ".join(filter(None, (state, md(c.properties.get("comment", "")))))
        rows.append((md(c.id.name), c.properties["type"], code(c.properties["definition"]), said))
    return _described(("Name", "Kind", "Definition", "Description"), rows)


def _indexes(found: Sequence[SchemaObject]) -> str:
    rows = []
    for i in found:
        properties = i.properties
        backs = f"backs constraint {md(properties['constraint'])}" if properties.get("constraint") else ""
        invalid = "**invalid: not used by queries**" if properties.get("invalid") else ""
        said = ", ".join(filter(None, (invalid, backs, md(properties.get("comment", "")))))
        rows.append((md(i.id.name), code(properties["definition"]), said))
    return _described(("Name", "Definition", "Description"), rows)


def _triggers(found: Sequence[SchemaObject]) -> str:
    rows = []
    for t in found:
        enabled = t.properties.get("enabled", "origin")
        state = "" if enabled == "origin" else f"**{enabled}**"
        said = ", ".join(filter(None, (state, md(t.properties.get("comment", "")))))
        rows.append((md(t.id.name), code(t.properties["definition"]), said))
    return _described(("Name", "Definition", "Description"), rows)


def _policies(found: Sequence[SchemaObject]) -> str:
    rows = []
    for p in found:
        properties = p.properties
        rows.append(
            (
                md(p.id.name),
                properties["command"],
                ", ".join(code(r) for r in properties.get("roles", ())),
                code(properties.get("using", "")),
                code(properties.get("check", "")),
                "restrictive" if properties.get("restrictive") else "",
                md(properties.get("comment", "")),
            )
        )
    return _described(("Name", "For", "Roles", "Using", "With check", "", "Description"), rows)


def _rules(found: Sequence[SchemaObject]) -> str:
    rows = [(md(r.id.name), code(r.properties["definition"]), md(r.properties.get("comment", ""))) for r in found]
    return _described(("Name", "Definition", "Description"), rows)


def _described(headings: Sequence[str], rows: Sequence[Row]) -> str:
    """A table without the columns that are empty in every row, the first two aside."""
    shown = [i for i in range(len(headings)) if i < 2 or any(row[i] for row in rows)]
    return markdown_table([headings[i] for i in shown], [[row[i] for i in shown] for row in rows])


def _partitions(outline: Outline, partitions: Sequence[SchemaObject]) -> str:
    rows = []
    for p in partitions:
        own = [
            part
            for part in outline.all_parts(p.id)
            if part.id.kind in ("constraint", "index", "trigger", "policy")
            and not (part.properties.get("inherited") or part.properties.get("partition_of"))
        ]
        said = [f"own {o.id.kind} {md(o.id.name)}" for o in own]
        rows.append(
            (
                md(shown_name(p.id)),
                code(p.properties.get("partition_bound", "")),
                "by " + code(p.properties["partition_key"]) if p.properties.get("partition_key") else "",
                ", ".join(filter(None, (md(p.properties.get("comment", "")), *said))),
            )
        )
    return f"{counted(len(rows), 'partition')}.\n\n" + _described(("Name", "Bound", "Split again", "Description"), rows)


def _incoming(keys: Sequence[ForeignKey]) -> str:
    rows = []
    for key in keys:
        how = "at most one row" if key.unique else "any number of rows"
        rows.append((link(key.child), code(", ".join(key.columns)), md(key.name), how))
    return markdown_table(("Table", "Columns", "Foreign key", "For each row here"), rows)
