"""Statements in a shape that rules can read: column and constraint definitions, the actions of an ALTER TABLE.

Every function takes nodes of the parser and answers with plain records; `node` fields keep the tree for the few
rules that look deeper.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from ..sql import grammar
from ..sql.effects import dotted
from ..sql.quote import ident

SERIALS = {
    "smallserial": "int2",
    "serial2": "int2",
    "serial": "int4",
    "serial4": "int4",
    "bigserial": "int8",
    "serial8": "int8",
}

# What people write, for messages; everything else is printed as it is called inside.
SPOKEN = {
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "float4": "real",
    "float8": "double precision",
    "bool": "boolean",
    "bpchar": "char",
}


class TypeRef(NamedTuple):
    """A type as the server reads it: inner name ("int4", "varchar", "app.mood"), modifiers, array dimensions."""

    name: str
    mods: tuple[int | str, ...] = ()
    dims: int = 0

    def __str__(self) -> str:
        mods = f"({','.join(map(str, self.mods))})" if self.mods and self.name != "interval" else ""
        return f"{SPOKEN.get(self.name, self.name)}{mods}{'[]' * self.dims}"


def key(name: str) -> str:
    """A relation's or type's name as the catalog keeps it: schema public is left out."""
    return name.removeprefix("public.")


QUOTED_PART = re.compile(r'"((?:[^"]|"")+)"|([^."]+)')


def key_of_sql(name: str) -> str:
    """The catalog key of a relation's name as SQL has it: 'public."Order"' is 'Order'."""
    parts = [(quoted.replace('""', '"') if quoted else bare) for quoted, bare in QUOTED_PART.findall(name)]
    return key(".".join(parts))


def shown(name: str) -> str:
    """A name of a catalog key ("app.Order") as SQL, quoted where needed."""
    return ".".join(ident(part) for part in name.split(".", 1)) if name else ""


def relation_key(range_var: Any) -> str:
    """The catalog key of a table reference."""
    schema = range_var.schemaname
    return f"{schema}.{range_var.relname}" if schema and schema != "public" else str(range_var.relname)


def type_ref(type_name: Any) -> TypeRef:
    """A TypeName node in canonical form."""
    parts = [str(n.string.sval) for n in type_name.names]
    if len(parts) > 1 and parts[0] in ("pg_catalog", "public"):
        parts = parts[1:]
    mods: list[int | str] = []
    for mod in type_name.typmods:
        if mod.WhichOneof("node") == "a_const":
            mods.append(int(mod.a_const.ival.ival) if not mod.a_const.HasField("sval") else str(mod.a_const.sval.sval))
        else:
            mods.append(grammar.printed(mod))
    return TypeRef(".".join(parts), tuple(mods), len(type_name.array_bounds))


@lru_cache(maxsize=1024)
def type_of_text(text: str) -> TypeRef | None:
    """The type that a text such as "character varying(20)" names, or None when the grammar does not read it."""
    try:
        [statement] = grammar.raw_statements(f"SELECT NULL::{text}")
    except (grammar.GrammarError, ValueError):
        return None
    target = statement.node.target_list[0].res_target.val
    return type_ref(target.type_cast.type_name) if target.HasField("type_cast") else None


@dataclass(slots=True, eq=False, repr=False)
class ConstraintForm:
    """A constraint as written. kind: check, not null, foreign key, unique, primary key, exclude."""

    kind: str
    name: str = ""
    columns: tuple[str, ...] = ()
    validated: bool = True
    enforced: bool = True
    index: str = ""
    expression: Any = None
    references: str = ""
    referenced: tuple[str, ...] = ()
    no_inherit: bool = False
    node: Any = None

    @property
    def scans(self) -> bool:
        """Whether adding it to a table reads the table's rows."""
        return self.validated and self.enforced and not self.index


@dataclass(slots=True, eq=False, repr=False)
class ColumnForm:
    """A column as written. `type` of a serial column is the integer type behind it."""

    name: str
    type: TypeRef
    not_null: bool = False
    default: Any = None
    generated: str = ""
    identity: bool = False
    serial: str = ""
    collation: str = ""
    constraints: list[ConstraintForm] = field(default_factory=list)
    expression: Any = None
    node: Any = None

    def constraint(self, kind: str) -> ConstraintForm | None:
        """The column's constraint of a kind, or None."""
        return next((c for c in self.constraints if c.kind == kind), None)

    @property
    def has_null_default(self) -> bool:
        return self.default is not None and is_null(self.default)


@dataclass(slots=True, eq=False, repr=False)
class Action:
    """One command of an ALTER TABLE. kind: the parser's name without its prefix ("AddColumn", "SetNotNull")."""

    kind: str
    name: str = ""
    column: ColumnForm | None = None
    constraint: ConstraintForm | None = None
    cascade: bool = False
    missing_ok: bool = False
    node: Any = None


def is_null(expression: Any) -> bool:
    """Whether an expression is the constant NULL, cast or not."""
    while expression.WhichOneof("node") == "type_cast":
        expression = expression.type_cast.arg
    return expression.WhichOneof("node") == "a_const" and bool(expression.a_const.isnull)


def strings(nodes: Iterable[Any]) -> tuple[str, ...]:
    """The values of a list of string nodes."""
    return tuple(str(n.string.sval) for n in nodes)


CONSTRAINT_KINDS = {
    "CONSTR_CHECK": "check",
    "CONSTR_NOTNULL": "not null",
    "CONSTR_FOREIGN": "foreign key",
    "CONSTR_UNIQUE": "unique",
    "CONSTR_PRIMARY": "primary key",
    "CONSTR_EXCLUSION": "exclude",
}


def constraint_form(node: Any, column: str = "") -> ConstraintForm | None:
    """A constraint in plain form; `column` is the column it was written at. None for what is no constraint
    (defaults, attributes)."""
    kind = CONSTRAINT_KINDS.get(grammar.enum_name(node, "contype"))
    if kind is None:
        return None
    columns = strings(node.fk_attrs) if kind == "foreign key" else strings(node.keys)
    return ConstraintForm(
        kind,
        name=str(node.conname),
        columns=columns or ((column,) if column else ()),
        validated=not node.skip_validation,
        # Only CHECK and foreign keys can be NOT ENFORCED (18); the parser leaves the field unset for the others.
        enforced=bool(node.is_enforced) if kind in ("check", "foreign key") else True,
        index=str(node.indexname),
        expression=node.raw_expr if node.HasField("raw_expr") else None,
        references=relation_key(node.pktable) if node.HasField("pktable") else "",
        referenced=strings(node.pk_attrs),
        no_inherit=bool(node.is_no_inherit),
        node=node,
    )


def column_form(node: Any) -> ColumnForm:
    """A column definition in plain form."""
    kind = type_ref(node.type_name)
    serial = kind.name if kind.name in SERIALS and not kind.dims else ""
    made = ColumnForm(str(node.colname), TypeRef(SERIALS[serial]) if serial else kind, serial=serial, node=node)
    if node.HasField("coll_clause"):
        made.collation = dotted(node.coll_clause.collname)
    made.not_null = bool(serial)
    if node.HasField("raw_default"):
        made.expression = node.raw_default
    for wrapped in node.constraints:
        inner = wrapped.constraint
        kind_name = grammar.enum_name(inner, "contype")
        if kind_name == "CONSTR_DEFAULT":
            made.default = inner.raw_expr
        elif kind_name == "CONSTR_IDENTITY":
            made.identity = made.not_null = True
        elif kind_name == "CONSTR_GENERATED":
            made.generated = "virtual" if inner.generated_kind == "v" else "stored"
            made.expression = inner.raw_expr
        elif kind_name == "CONSTR_ATTR_NOT_ENFORCED" and made.constraints:
            made.constraints[-1].enforced = False
        elif (found := constraint_form(inner, made.name)) is not None:
            made.constraints.append(found)
            made.not_null = made.not_null or found.kind in ("not null", "primary key")
    return made


class _Latest:
    """The forms of the node asked for last: the rules read a statement just before the catalog learns from it."""

    def __init__(self, make: Callable[[Any], Any]) -> None:
        self.make = make
        self.known: tuple[Any, Any] = (None, None)

    def __call__(self, node: Any) -> Any:
        asked, form = self.known
        if asked is not node:
            form = self.make(node)
            self.known = (node, form)
        return form


def actions_of(node: Any) -> tuple[Action, ...]:
    """The commands of an ALTER TABLE statement, in order."""
    found: tuple[Action, ...] = _actions(node)
    return found


def _actions_of(node: Any) -> tuple[Action, ...]:
    found = []
    for wrapped in node.cmds:
        command = wrapped.alter_table_cmd
        made = Action(
            grammar.enum_name(command, "subtype").removeprefix("AT_"),
            name=str(command.name),
            cascade=grammar.enum_name(command, "behavior") == "DROP_CASCADE",
            missing_ok=bool(command.missing_ok),
            node=command,
        )
        definition = getattr(command, "def")
        which = definition.WhichOneof("node")
        if which == "column_def":
            made.column = column_form(definition.column_def)
            made.name = made.name or made.column.name
        elif which == "constraint":
            made.constraint = constraint_form(definition.constraint)
        found.append(made)
    return tuple(found)


@dataclass(slots=True, eq=False, repr=False)
class TableForm:
    """A CREATE TABLE in plain form."""

    name: str
    columns: tuple[ColumnForm, ...]
    constraints: tuple[ConstraintForm, ...]
    parent: str = ""
    bound: Any = None
    partitioned: bool = False
    temporary: bool = False
    if_not_exists: bool = False


def table_form(node: Any) -> TableForm:
    """A CREATE TABLE statement in plain form; constraints written at columns are in `constraints` too."""
    found: TableForm = _form(node)
    return found


def _table_form(node: Any) -> TableForm:
    columns, constraints = [], []
    for element in node.table_elts:
        which = element.WhichOneof("node")
        if which == "column_def":
            column = column_form(element.column_def)
            columns.append(column)
            constraints.extend(column.constraints)
        elif which == "constraint" and (found := constraint_form(element.constraint)) is not None:
            constraints.append(found)
    bound = node.partbound if node.HasField("partbound") else None
    return TableForm(
        relation_key(node.relation),
        tuple(columns),
        tuple(constraints),
        parent=relation_key(node.inh_relations[0].range_var) if bound is not None and node.inh_relations else "",
        bound=bound,
        partitioned=node.HasField("partspec"),
        temporary=node.relation.relpersistence == "t",
        if_not_exists=bool(node.if_not_exists),
    )


_actions = _Latest(_actions_of)
_form = _Latest(_table_form)


def column_references(expression: Any) -> tuple[str, ...]:
    """The names of columns that an expression reads, each once."""
    found = []
    for _, message in grammar.walk(expression):
        if message.DESCRIPTOR.name == "ColumnRef" and message.fields:
            last = message.fields[-1]
            if last.WhichOneof("node") == "string":
                found.append(str(last.string.sval))
    return tuple(dict.fromkeys(found))
