"""Views and materialized views."""

from __future__ import annotations

from ..model import ObjectId, SchemaObject, Snapshot
from . import columns, trimmings
from .names import FINISH, Step, options_sql, own, relation, word
from .tables import options_changes


def create(view: SchemaObject, runs_as: str, target: Snapshot) -> list[Step]:
    """CREATE [MATERIALIZED] VIEW with column names, options, defaults, comments and grants."""
    p = view.properties
    children = target.children(view.id, "column")
    options = f" WITH ({options_sql(p['options'])})" if p.get("options") else ""
    using = f" USING {p['access_method']}" if p.get("access_method") not in (None, "heap") else ""
    space = f" TABLESPACE {p['tablespace']}" if p.get("tablespace") else ""
    definition = str(p["definition"]).rstrip().rstrip(";")
    data = ""
    if view.id.kind == "materialized_view":
        data = "\n  WITH DATA" if p.get("populated") else "\n  WITH NO DATA"
    steps = [Step(FINISH, f"CREATE {word(view.id.kind)} {own(view.id)}{using}{options}{space} AS\n{definition}{data}")]
    for column in children:
        steps += _column(column, {}, view.id.kind, target)
    return steps + trimmings.for_new(view, runs_as, target.server_version, FINISH)


def drop(id: ObjectId) -> str:
    return f"DROP {word(id.kind)} {own(id)}"


def can_alter(now: SchemaObject, wanted: SchemaObject, source: Snapshot, target: Snapshot) -> bool:
    """Whether CREATE OR REPLACE VIEW or ALTER get from one to the other: the columns have to be the same.

    Source: manual, CREATE VIEW: a replacing query must generate the same columns in the same order and types.
    """
    if now.properties["definition"] == wanted.properties["definition"]:
        keys = ("access_method",)
        return all(now.properties.get(k) == wanted.properties.get(k) for k in keys)
    return now.id.kind == "view" and _shape(now, source) == _shape(wanted, target)


def alter(now: SchemaObject, wanted: SchemaObject) -> list[Step]:
    a, b = now.properties, wanted.properties
    steps = []
    if a["definition"] != b["definition"]:
        options = f" WITH ({options_sql(b['options'])})" if b.get("options") else ""
        definition = str(b["definition"]).rstrip().rstrip(";")
        steps.append(Step(FINISH, f"CREATE OR REPLACE VIEW {own(wanted.id)}{options} AS\n{definition}"))
    else:
        head = f"{columns.alter_word(wanted.id.kind)} {own(wanted.id)}"
        steps += [Step(FINISH, f"{head} {c}") for c in options_changes(a.get("options"), b.get("options"))]
        if a.get("tablespace") != b.get("tablespace"):
            steps.append(Step(FINISH, f"{head} SET TABLESPACE {b.get('tablespace') or 'pg_default'}"))
    if b.get("populated") and not a.get("populated") and wanted.id.kind == "materialized_view":
        steps.append(Step(FINISH, f"REFRESH MATERIALIZED VIEW {own(wanted.id)}"))
    if a.get("populated") and not b.get("populated") and wanted.id.kind == "materialized_view":
        steps.append(Step(FINISH, f"REFRESH MATERIALIZED VIEW {own(wanted.id)} WITH NO DATA"))
    return steps + trimmings.changes(wanted.id, a, b, FINISH)


def alter_column(now: SchemaObject, wanted: SchemaObject, kind: str, target: Snapshot) -> list[Step]:
    """Default, statistics, comment and grants of a view's column."""
    return _column(wanted, dict(now.properties), kind, target)


def _column(column: SchemaObject, now: dict[str, object], kind: str, target: Snapshot) -> list[Step]:
    steps = []
    default = column.properties.get("default")
    if default != now.get("default") and kind == "view":
        tail = f"SET DEFAULT {default}" if default is not None else "DROP DEFAULT"
        name = own(column.id).rsplit(".", 1)[1]
        steps.append(Step(FINISH, f"ALTER VIEW {relation(column.id)} ALTER COLUMN {name} {tail}"))
    properties = dict(column.properties)
    if kind == "view":
        properties.pop("storage", None)
        now = {k: v for k, v in now.items() if k != "storage"}
    shown = SchemaObject(column.id, properties, column.depends)
    return steps + [Step(FINISH, s.sql) for s in columns.attributes(shown, dict(now), kind, target)]


def _shape(view: SchemaObject, snapshot: Snapshot) -> list[tuple[str, object, object]]:
    return [
        (c.id.name, c.properties.get("type"), c.properties.get("collation"))
        for c in snapshot.children(view.id, "column")
    ]
