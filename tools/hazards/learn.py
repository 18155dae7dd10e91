"""What a statement changes in the catalog of known things."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..sql import grammar
from ..sql.effects import dotted, object_name, object_word
from .catalog import Catalog, Domain, Function, Index, Table
from .copied import copied
from .learn_table import alter_table, place_column, place_constraint
from .shapes import key, relation_key, strings, table_form, type_ref


def learn(catalog: Catalog, node_name: str, node: Any, *, new: bool, text: str = "") -> None:
    """Bring the catalog up to date with a statement that has run. new: what it makes counts as made by the change
    under test. text: the statement, for functions whose body is looked at later."""
    lesson = LESSONS.get(node_name)
    if lesson is not None:
        lesson(catalog, node, new)
    elif node_name == "create_function_stmt":
        create_function(catalog, node, text, new)
    elif new and node_name in NAMED:
        word, name = NAMED[node_name]
        catalog.made.add((word, str(getattr(node, name))))


def create_table(catalog: Catalog, node: Any, new: bool) -> None:
    form = table_form(node)
    if form.if_not_exists and form.name in catalog.tables:
        return
    table = Table(form.name, new=new, known=True, temporary=form.temporary, partitioned=form.partitioned)
    table.logged = node.relation.relpersistence == "p"
    table.parent = form.parent
    for parent in node.inh_relations:
        above = catalog.tables.get(relation_key(parent.range_var))
        if above is None or not above.known:
            table.known = False
        if above is not None:
            table.columns.update(above.columns)
    if form.parent:
        above = catalog.table(form.parent)
        if form.bound is not None and form.bound.is_default:
            above.default_partition = form.name
    if node.HasField("of_typename") or any(e.WhichOneof("node") == "table_like_clause" for e in node.table_elts):
        table.known = False
    catalog.tables[form.name] = table
    for column in form.columns:
        place_column(catalog, table, column, new)
    for constraint in form.constraints:
        # An empty table holds nothing to validate: NOT VALID is taken for valid (parse_utilcmd.c).
        constraint.validated = constraint.enforced
        place_constraint(catalog, table, constraint, new)


def create_foreign_table(catalog: Catalog, node: Any, new: bool) -> None:
    create_table(catalog, node.base_stmt, new)
    catalog.table(relation_key(node.base_stmt.relation)).kind = "foreign table"


def create_table_as(catalog: Catalog, node: Any, new: bool) -> None:
    name = relation_key(node.into.rel)
    if node.if_not_exists and name in catalog.tables:
        return
    matview = object_word(node, "objtype") == "MATERIALIZED VIEW"
    catalog.tables[name] = Table(
        name,
        kind="materialized view" if matview else "table",
        new=new,
        temporary=node.into.rel.relpersistence == "t",
        reads=relations_read(node.query) if matview else (),
    )


def select_into(catalog: Catalog, node: Any, new: bool) -> None:
    if node.HasField("into_clause"):
        name = relation_key(node.into_clause.rel)
        catalog.tables[name] = Table(name, new=new, temporary=node.into_clause.rel.relpersistence == "t")


def create_view(catalog: Catalog, node: Any, new: bool) -> None:
    name = relation_key(node.view)
    before = catalog.tables.get(name)
    catalog.tables[name] = Table(
        name, kind="view", new=new and (before is None or before.new), reads=relations_read(node.query)
    )


def relations_read(node: Any) -> tuple[str, ...]:
    """The keys of all relations that a query names."""
    return tuple(dict.fromkeys(relation_key(m) for m in grammar.messages(node, ("RangeVar",))))


def create_index(catalog: Catalog, node: Any, new: bool) -> None:
    table = relation_key(node.relation)
    catalog.table(table)
    columns = tuple(str(p.index_elem.name) for p in node.index_params)
    name = str(node.idxname) or f"{table.rpartition('.')[2]}_{'_'.join(c or 'expr' for c in columns)}_idx"
    if node.if_not_exists and name in catalog.indexes:
        return
    schema = table.rpartition(".")[0]
    catalog.indexes[f"{schema}.{name}" if schema else name] = Index(
        f"{schema}.{name}" if schema else name,
        table,
        columns,
        unique=bool(node.unique),
        plain=all(columns) and not node.HasField("where_clause"),
        new=new,
        bare=is_bare(node),
    )


def is_bare(node: Any) -> bool:
    """Whether a CREATE INDEX makes a btree that nothing but its columns (and UNIQUE) tells from others."""
    if node.access_method != "btree" or node.HasField("where_clause") or node.index_including_params:
        return False
    return (
        node.relation.inh and not node.nulls_not_distinct and all(_is_bare_key(p.index_elem) for p in node.index_params)
    )


def _is_bare_key(element: Any) -> bool:
    """Whether an index's key is a column in its usual order, NULLs last, by its type's own operators and collation."""
    usual = grammar.enum_name(element, "ordering") in ("SORTBY_DEFAULT", "SORTBY_ASC")
    last = grammar.enum_name(element, "nulls_ordering") in ("SORTBY_NULLS_DEFAULT", "SORTBY_NULLS_LAST")
    return bool(element.name) and usual and last and not element.opclass and not element.collation


def create_function(catalog: Catalog, node: Any, text: str, new: bool) -> None:
    name = key(dotted(node.funcname))
    before = catalog.functions.get(name)
    made = Function(name, node=node, text=text, new=new and (before is None or before.new))
    for option in node.options:
        element = option.def_elem
        match element.defname:
            case "language":
                made.language = str(element.arg.string.sval).lower()
            case "volatility":
                made.volatility = str(element.arg.string.sval)
            case "as":
                parts = strings(element.arg.list.items)
                made.body = parts[0] if parts else ""
            case "security" | "set" | "strict":
                made.simple = False
    if node.HasField("sql_body"):
        made.language = made.language or "sql"
    catalog.functions[name] = made


def create_domain(catalog: Catalog, node: Any, new: bool) -> None:
    name = key(dotted(node.domainname))
    kinds = {grammar.enum_name(c.constraint, "contype") for c in node.constraints}
    _, below = catalog.under(type_ref(node.type_name))
    constrained = below or bool(kinds & {"CONSTR_CHECK", "CONSTR_NOTNULL"})
    catalog.domains[name] = Domain(
        name, type_ref(node.type_name), constrained=constrained, has_default="CONSTR_DEFAULT" in kinds, new=new
    )


def alter_domain(catalog: Catalog, node: Any, new: bool) -> None:
    domain = catalog.domains.get(key(dotted(node.type_name)))
    if domain is not None and node.subtype in ("C", "O"):
        domain.constrained = True


def create_enum(catalog: Catalog, node: Any, new: bool) -> None:
    name = key(dotted(node.type_name))
    catalog.enums[name] = strings(node.vals)
    if new:
        catalog.new_types.add(name)


def alter_enum(catalog: Catalog, node: Any, new: bool) -> None:
    name = key(dotted(node.type_name))
    values = catalog.enums.get(name)
    if values is not None and node.new_val:
        catalog.enums[name] = tuple(node.new_val if v == node.old_val else v for v in values) + (
            () if node.old_val else (str(node.new_val),)
        )


def create_type(catalog: Catalog, node: Any, new: bool) -> None:
    if new:
        catalog.new_types.add(key(dotted(node.type_name)))


def create_composite(catalog: Catalog, node: Any, new: bool) -> None:
    if new:
        catalog.new_types.add(relation_key(node.typevar))


def create_schema(catalog: Catalog, node: Any, new: bool) -> None:
    name = str(node.schemaname)
    if not (node.if_not_exists and name in catalog.schemas):
        catalog.schemas[name] = new
    for element in node.schema_elts:
        which = element.WhichOneof("node")
        if which:
            learn(catalog, which, getattr(element, which), new=new)


def drop(catalog: Catalog, node: Any, new: bool) -> None:
    word = object_word(node, "remove_type")
    for target in node.objects:
        name = key(object_name(target))
        if word in ("TABLE", "VIEW", "MATERIALIZED VIEW", "FOREIGN TABLE"):
            _forget_table(catalog, name)
        elif word == "INDEX":
            catalog.indexes.pop(name, None)
        elif word in ("TYPE", "DOMAIN"):
            catalog.domains.pop(name, None)
            catalog.enums.pop(name, None)
            if grammar.enum_name(node, "behavior") == "DROP_CASCADE":
                for table, column in catalog.users_of_type(name):
                    table.columns.pop(column.name, None)
        elif word in ("FUNCTION", "PROCEDURE", "ROUTINE"):
            catalog.functions.pop(name, None)
        elif word == "SCHEMA":
            catalog.schemas.pop(name, None)
            for table_name in [t for t in catalog.tables if t.startswith(f"{name}.")]:
                _forget_table(catalog, table_name)


def _forget_table(catalog: Catalog, name: str) -> None:
    catalog.tables.pop(name, None)
    for index in [i.name for i in catalog.indexes_of(name)]:
        del catalog.indexes[index]


def rename(catalog: Catalog, node: Any, new: bool) -> None:
    word = object_word(node, "rename_type")
    old = relation_key(node.relation) if node.HasField("relation") else key(object_name(node.object))
    fresh = str(node.newname)
    if word == "COLUMN" or word == "ATTRIBUTE":
        rename_column(catalog, old, str(node.subname), fresh)
    elif word in ("CONSTRAINT",) and old in catalog.tables:
        constraints = catalog.tables[old].constraints
        if (found := constraints.pop(str(node.subname), None)) is not None:
            found.name = fresh
            constraints[fresh] = found
    elif word in ("TABLE", "VIEW", "MATERIALIZED VIEW", "FOREIGN TABLE"):
        _move_table(catalog, old, _beside(old, fresh))
    elif word == "INDEX" and old in catalog.indexes:
        index = catalog.indexes.pop(old)
        index.name = _beside(old, fresh)
        catalog.indexes[index.name] = index
    elif word in ("DOMAIN", "TYPE"):
        _move_type(catalog, old, _beside(old, fresh))


def rename_column(catalog: Catalog, table_name: str, old: str, fresh: str) -> None:
    """Give a column its new name wherever it is known: in the table, its constraints and its indexes."""
    table = catalog.table(table_name)

    def renamed(columns: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(fresh if c == old else c for c in columns)

    table.columns = {(fresh if n == old else n): c for n, c in table.columns.items()}
    if fresh in table.columns:
        table.columns[fresh].name = fresh
    for constraint in table.constraints.values():
        constraint.columns, constraint.proves = renamed(constraint.columns), renamed(constraint.proves)
    for index in catalog.indexes_of(table_name):
        index.columns = renamed(index.columns)
    for copy in copied(catalog):
        if (copy.table, copy.column) == (table_name, old):
            copy.column = fresh


def change_schema(catalog: Catalog, node: Any, new: bool) -> None:
    word = object_word(node, "object_type")
    old = relation_key(node.relation) if node.HasField("relation") else key(object_name(node.object))
    fresh = key(f"{node.newschema}.{old.rpartition('.')[2]}")
    if word in ("TABLE", "VIEW", "MATERIALIZED VIEW", "FOREIGN TABLE"):
        _move_table(catalog, old, fresh)
    elif word in ("DOMAIN", "TYPE"):
        _move_type(catalog, old, fresh)


def _beside(old: str, fresh: str) -> str:
    schema = old.rpartition(".")[0]
    return f"{schema}.{fresh}" if schema else fresh


def _move_table(catalog: Catalog, old: str, fresh: str) -> None:
    table = catalog.tables.pop(old, None) or Table(old)
    table.name = fresh
    catalog.tables[fresh] = table
    for index in catalog.indexes_of(old):
        index.table = fresh
    for copy in copied(catalog):
        copy.table = fresh if copy.table == old else copy.table
        copy.into = fresh if copy.into == old else copy.into


def _move_type(catalog: Catalog, old: str, fresh: str) -> None:
    if old in catalog.domains:
        catalog.domains[fresh] = catalog.domains.pop(old)
    if old in catalog.enums:
        catalog.enums[fresh] = catalog.enums.pop(old)
    if old in catalog.new_types:
        catalog.new_types.discard(old)
        catalog.new_types.add(fresh)
    for _, column in catalog.users_of_type(old):
        if column.type is not None:
            column.type = column.type._replace(name=fresh)


def create_sequence(catalog: Catalog, node: Any, new: bool) -> None:
    name = relation_key(node.sequence)
    if not (node.if_not_exists and name in catalog.tables):
        catalog.tables[name] = Table(name, kind="sequence", new=new)


def create_policy(catalog: Catalog, node: Any, new: bool) -> None:
    table = relation_key(node.table)
    catalog.table(table).policies = True
    if new:
        catalog.made.add(("POLICY", f"{table}.{node.policy_name}"))


def define(catalog: Catalog, node: Any, new: bool) -> None:
    """CREATE AGGREGATE, OPERATOR, COLLATION and others of their form."""
    if new:
        catalog.made.add((object_word(node, "kind"), key(dotted(node.defnames))))


# Of what these make only the name is kept, and only while it is new: (object word, field of the name).
NAMED = {
    "create_publication_stmt": ("PUBLICATION", "pubname"),
    "create_subscription_stmt": ("SUBSCRIPTION", "subname"),
    "create_role_stmt": ("ROLE", "role"),
    "create_foreign_server_stmt": ("SERVER", "servername"),
    "create_fdw_stmt": ("FOREIGN DATA WRAPPER", "fdwname"),
    "create_event_trig_stmt": ("EVENT TRIGGER", "trigname"),
}

Lesson = Callable[[Catalog, Any, bool], None]
LESSONS: dict[str, Lesson] = {
    "create_stmt": create_table,
    "create_foreign_table_stmt": create_foreign_table,
    "create_table_as_stmt": create_table_as,
    "select_stmt": select_into,
    "view_stmt": create_view,
    "index_stmt": create_index,
    "create_domain_stmt": create_domain,
    "alter_domain_stmt": alter_domain,
    "create_enum_stmt": create_enum,
    "alter_enum_stmt": alter_enum,
    "create_range_stmt": create_type,
    "composite_type_stmt": create_composite,
    "create_schema_stmt": create_schema,
    "drop_stmt": drop,
    "create_seq_stmt": create_sequence,
    "create_policy_stmt": create_policy,
    "define_stmt": define,
    "rename_stmt": rename,
    "alter_object_schema_stmt": change_schema,
    "alter_table_stmt": alter_table,
}
