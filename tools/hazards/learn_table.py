"""What ALTER TABLE changes in the catalog: columns, constraints, partitions."""

from __future__ import annotations

from typing import Any

from ..sql import grammar
from .catalog import Catalog, Column, Constraint, Index, Table
from .shapes import Action, ColumnForm, ConstraintForm, actions_of, relation_key, type_ref

SUFFIX = {"check": "check", "not null": "not_null", "foreign key": "fkey", "unique": "key", "exclude": "excl"}


def place_column(catalog: Catalog, table: Table, form: ColumnForm, new: bool) -> None:
    """Add a column as defined; its constraints are placed apart."""
    domain = catalog.domains.get(form.type.name)
    table.columns[form.name] = Column(
        form.name,
        form.type,
        not_null=form.not_null,
        has_default=bool(
            (form.default is not None and not form.has_null_default)
            or form.identity
            or form.serial
            or form.generated
            or (domain is not None and domain.has_default)
        ),
        default=form.default,
        generated=form.generated,
        identity=form.identity,
        collation=form.collation,
        new=new,
    )

    if form.serial or form.identity:
        sequence = f"{table.name}_{form.name}_seq"
        catalog.tables.setdefault(sequence, Table(sequence, kind="sequence", new=new))


def constraint_name(table: Table, form: ConstraintForm) -> str:
    """The name that PostgreSQL gives a constraint written without one (the first of its kind)."""
    if form.name:
        return form.name
    short = table.name.rpartition(".")[2]
    if form.kind == "primary key":
        return f"{short}_pkey"
    middle = "_".join(form.columns)
    return "_".join(filter(None, (short, middle, SUFFIX[form.kind])))


def constraint_of(table: Table, form: ConstraintForm) -> Constraint:
    """A constraint in the catalog's form."""
    proves: tuple[str, ...] = ()
    if form.kind == "check" and form.expression is not None:
        proves = proven_by(form.expression)
    elif form.kind == "not null":
        proves = form.columns
    return Constraint(
        form.kind,
        constraint_name(table, form),
        form.columns,
        validated=form.validated,
        enforced=form.enforced,
        expression=grammar.printed(form.expression) if form.expression is not None else "",
        proves=proves,
        references=form.references,
    )


def proven_by(expression: Any, *, denied: bool = False) -> tuple[str, ...]:
    """The columns that are not NULL wherever a CHECK expression holds (denied: wherever it does not).

    `c IS NOT NULL`, NOT (c IS NULL) and c IS DISTINCT FROM NULL, joined by AND: what the planner's simplification
    leaves as IS NOT NULL. Source: predtest.c, predicate_implied_by; each form measured on 18.
    """
    which = expression.WhichOneof("node")
    if which == "null_test":
        wanted = "IS_NULL" if denied else "IS_NOT_NULL"
        return _column(expression.null_test.arg) if _is(expression.null_test, "nulltesttype", wanted) else ()
    if which == "a_expr" and not denied and _is(expression.a_expr, "kind", "AEXPR_DISTINCT"):
        right = expression.a_expr.rexpr
        return (
            _column(expression.a_expr.lexpr) if right.WhichOneof("node") == "a_const" and right.a_const.isnull else ()
        )
    if which == "bool_expr":
        if _is(expression.bool_expr, "boolop", "NOT_EXPR"):
            return proven_by(expression.bool_expr.args[0], denied=not denied)
        if _is(expression.bool_expr, "boolop", "OR_EXPR" if denied else "AND_EXPR"):
            return tuple(name for part in expression.bool_expr.args for name in proven_by(part, denied=denied))
    return ()


def _is(message: Any, field: str, value: str) -> bool:
    return grammar.enum_name(message, field) == value


def _column(node: Any) -> tuple[str, ...]:
    """The name of a column reference, as a tuple of one; empty for anything else."""
    if node.WhichOneof("node") != "column_ref":
        return ()
    last = node.column_ref.fields[-1]
    return (str(last.string.sval),) if last.WhichOneof("node") == "string" else ()


def place_constraint(catalog: Catalog, table: Table, form: ConstraintForm, new: bool) -> None:
    """Add a constraint, with the index and the NOT NULL that come with it."""
    made = constraint_of(table, form)
    if form.index and form.kind in ("primary key", "unique"):
        schema = table.name.rpartition(".")[0]
        index = catalog.indexes.get(f"{schema}.{form.index}" if schema else form.index)
        if index is not None:
            made.columns = index.columns
    table.constraints[made.name] = made
    if form.kind in ("primary key", "unique", "exclude") and not form.index:
        schema = table.name.rpartition(".")[0]
        name = f"{schema}.{made.name}" if schema else made.name
        catalog.indexes[name] = Index(
            name, table.name, made.columns, unique=form.kind != "exclude", new=new, bare=_is_bare(form)
        )
    if form.kind == "primary key" or (form.kind == "not null" and form.validated):
        for column in made.columns:
            table.columns.setdefault(column, Column(column)).not_null = True


def _is_bare(form: ConstraintForm) -> bool:
    """Whether a constraint's index is a btree that nothing but its columns tells from others, checked at once."""
    node = form.node
    if form.kind not in ("primary key", "unique") or node is None or node.nulls_not_distinct:
        return False
    return not (node.including or node.without_overlaps or node.deferrable)


def alter_table(catalog: Catalog, node: Any, new: bool) -> None:
    """Learn from ALTER TABLE (and ALTER VIEW, INDEX, ...: what they share)."""
    if grammar.enum_name(node, "objtype") not in ("OBJECT_TABLE", "OBJECT_FOREIGN_TABLE"):
        return
    table = catalog.table(relation_key(node.relation))
    for action in actions_of(node):
        apply_action(catalog, table, action, new)


def apply_action(catalog: Catalog, table: Table, action: Action, new: bool) -> None:
    """Learn from one action of an ALTER TABLE."""
    match action.kind:
        case "AddColumn" if action.column is not None:
            if action.missing_ok and action.name in table.columns:
                return
            place_column(catalog, table, action.column, new or table.new)
            for constraint in action.column.constraints:
                place_constraint(catalog, table, constraint, new or table.new)
        case "DropColumn":
            table.columns.pop(action.name, None)
            for lost in [c.name for c in table.constraints.values() if action.name in c.columns]:
                table.constraints.pop(lost, None)
            for index in [i for i in catalog.indexes_of(table.name) if action.name in i.columns]:
                catalog.indexes.pop(index.name, None)
        case "AlterColumnType" if action.column is not None:
            column = table.columns.setdefault(action.name, Column(action.name))
            column.type = type_ref(action.column.node.type_name)
            column.collation = action.column.collation
        case "SetNotNull":
            table.columns.setdefault(action.name, Column(action.name)).not_null = True
        case "DropNotNull":
            table.columns.setdefault(action.name, Column(action.name)).not_null = False
        case "ColumnDefault":
            column = table.columns.setdefault(action.name, Column(action.name))
            definition = getattr(action.node, "def")
            column.has_default = definition.WhichOneof("node") is not None
            column.default = definition if column.has_default else None
        case "AddConstraint" if action.constraint is not None:
            place_constraint(catalog, table, action.constraint, new)
        case "DropConstraint":
            gone = table.constraints.pop(action.name, None)
            schema = table.name.rpartition(".")[0]
            catalog.indexes.pop(f"{schema}.{action.name}" if schema else action.name, None)
            if gone is not None and gone.kind == "not null":
                for name in gone.columns:
                    table.columns.setdefault(name, Column(name)).not_null = False
        case "ValidateConstraint":
            if action.name not in table.constraints:
                table.constraints[action.name] = Constraint("unknown", action.name)
            else:
                proven = table.constraints[action.name]
                proven.validated = True
                if proven.kind == "not null":
                    for name in proven.columns:
                        table.columns.setdefault(name, Column(name)).not_null = True
        case "AttachPartition":
            command = getattr(action.node, "def").partition_cmd
            child = catalog.table(relation_key(command.name))
            child.parent = table.name
            table.partitioned = True
            if command.bound.is_default:
                table.default_partition = child.name
        case "DetachPartition" | "DetachPartitionFinalize":
            name = relation_key(getattr(action.node, "def").partition_cmd.name)
            catalog.table(name).parent = ""
            if table.default_partition == name:
                table.default_partition = ""
        case "SetLogged" | "SetUnLogged":
            table.logged = action.kind == "SetLogged"
        case _:
            pass
