"""A schema snapshot as the catalog of known things."""

from __future__ import annotations

from ..schema.model import ObjectId, SchemaObject, Snapshot
from ..sql import grammar
from ..sql.quote import ident, qualified
from .catalog import Catalog, Column, Domain, Function, Index, Table
from .learn import learn
from .learn_table import apply_action
from .shapes import actions_of, key, key_of_sql, type_of_text


def remember(catalog: Catalog, snapshot: Snapshot) -> None:
    """Fill the catalog with what the snapshot holds. Source: the table of properties in schema/snapshot.py."""
    for kind, word in (("table", "table"), ("foreign_table", "foreign table"), ("view", "view")):
        for item in snapshot.of(kind):
            _table(catalog, item, word)
    for item in snapshot.of("materialized_view"):
        _table(catalog, item, "materialized view")
    for item in snapshot.of("domain"):
        base = type_of_text(str(item.properties["type"]))
        if base is not None:
            catalog.domains[_name(item.id)] = Domain(
                _name(item.id),
                base,
                constrained=bool(item.properties.get("not_null")),
                has_default=bool(item.properties.get("default")),
            )
    for item in snapshot.of("domain_constraint"):
        domain = catalog.domains.get(key(f"{item.id.schema}.{item.id.parent}"))
        if domain is not None:
            domain.constrained = True
    for item in snapshot.of("enum"):
        catalog.enums[_name(item.id)] = tuple(item.properties["labels"])
    for item in snapshot.of("column"):
        _column(catalog, item)
    for item in snapshot.of("constraint"):
        _constraint(catalog, item)
    for item in snapshot.of("index"):
        _index(catalog, item)
    for kind in ("function", "procedure"):
        for item in snapshot.of(kind):
            _function(catalog, item)
    for item in snapshot.of("policy"):
        catalog.table(_owner(item.id)).policies = True
    for item in snapshot.of("schema"):
        catalog.schemas[item.id.name] = False


def _name(identity: ObjectId) -> str:
    return key(f"{identity.schema}.{identity.name}")


def _owner(identity: ObjectId) -> str:
    return key(f"{identity.schema}.{identity.parent}")


def _table(catalog: Catalog, item: SchemaObject, word: str) -> None:
    name = _name(item.id)
    properties = item.properties
    made = Table(name, kind=word, known=True, partitioned=bool(properties.get("partition_key")))
    made.logged = properties.get("persistence") == "permanent" if word == "table" else None
    parent = key_of_sql(str(properties.get("partition_of", "")))
    made.parent = parent
    if parent and properties.get("partition_bound") == "DEFAULT":
        catalog.table(parent).default_partition = name
    if name in catalog.tables:  # met earlier as the parent of a partition
        made.default_partition = catalog.tables[name].default_partition
    catalog.tables[name] = made


def _column(catalog: Catalog, item: SchemaObject) -> None:
    properties = item.properties
    table = catalog.table(_owner(item.id))
    table.columns[item.id.name] = Column(
        item.id.name,
        type_of_text(str(properties["type"])),
        not_null=bool(properties.get("not_null")) and not properties.get("not_null_invalid"),
        has_default=bool(properties.get("default") or properties.get("identity")),
        generated=str(properties.get("generated", "")),
        identity=bool(properties.get("identity")),
        collation=str(properties.get("collation", "")),
    )


def _constraint(catalog: Catalog, item: SchemaObject) -> None:
    sql = (
        f"ALTER TABLE {qualified(item.id.schema, item.id.parent)}"
        f" ADD CONSTRAINT {ident(item.id.name)} {item.properties['definition']}"
    )
    try:
        [statement] = grammar.raw_statements(sql)
    except (grammar.GrammarError, ValueError):
        return
    for action in actions_of(statement.node):
        apply_action(catalog, catalog.table(_owner(item.id)), action, False)


def _index(catalog: Catalog, item: SchemaObject) -> None:
    properties = item.properties
    columns = tuple(str(c) for c in properties.get("columns", ()))
    table = catalog.table(_owner(item.id))
    known = tuple(c if c in table.columns else "" for c in (c.strip('"') for c in columns))
    name = key(f"{item.id.schema}.{item.id.name}")
    before = catalog.indexes.get(name)  # of a constraint, which was read first
    # The server prints only what is not usual: order, operator class, collation, predicate.
    usual = str(properties.get("definition", "")).endswith(f" USING btree ({', '.join(map(ident, known))})")
    catalog.indexes[name] = Index(
        name,
        table.name,
        known,
        unique=bool(properties.get("unique")),
        plain=all(known) and not properties.get("predicate"),
        valid=not properties.get("invalid"),
        bare=all(known) and usual and (before is None or before.bare),
    )


def _function(catalog: Catalog, item: SchemaObject) -> None:
    try:
        [statement] = grammar.raw_statements(str(item.properties["definition"]))
    except (grammar.GrammarError, ValueError):
        name = key(f"{item.id.schema}.{item.id.name.partition('(')[0]}")
        catalog.functions[name] = Function(name, volatility=str(item.properties.get("volatility", "volatile")))
        return
    learn(catalog, statement.node_name, statement.node, new=False, text=str(item.properties["definition"]))
