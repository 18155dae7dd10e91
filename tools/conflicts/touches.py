"""What a script touches, down to the column where the tree tells: the ground on which two migrations can meet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any

from ..sql import grammar
from ..sql.effects import dotted, object_name, object_word
from ..sql.parse import Parsed, parse
from ..sql.reads import relation
from .alterations import alteration, constraint
from .touch import Key, Touch, Touched, plain

# Kinds of object that share one space of names in a schema. Source: manual, pg_class and pg_proc.
RELATIONS = frozenset(
    {"TABLE", "VIEW", "MATERIALIZED VIEW", "INDEX", "SEQUENCE", "FOREIGN TABLE", "TABLE AS", "TABLE COLUMN"}
)
ROUTINES = frozenset({"FUNCTION", "PROCEDURE", "ROUTINE", "AGGREGATE"})
TYPES = frozenset({"TYPE", "DOMAIN"})
INSIDE_A_TABLE = frozenset({"TRIGGER", "POLICY", "RULE"})

# Statements whose whole effect the tree does not show: what they run is a text, or a list of the server's own.
OPAQUE = frozenset({"UNKNOWN", "DO", "CALL", "EXECUTE", "IMPORT FOREIGN SCHEMA", "DROP OWNED", "REASSIGN OWNED"})


@lru_cache(maxsize=1024)
def touched(sql: str) -> Touched:
    """What a script touches. Temporary tables are left out; unqualified names are taken as those of schema public."""
    script = parse(sql)
    found: list[Touch] = []
    opaque: list[int] = []
    temporary: set[str] = set()
    for parsed in script.statements:
        span = parsed.statement.span
        if parsed.node is None or parsed.statement.kind in OPAQUE:
            opaque.append(span.line)
        if parsed.node is None:
            continue
        temporary |= _temporary(parsed)
        found += [replace(t, line=span.line, statement=parsed.statement.index) for t in _of(parsed)]
    problem = script.problem
    broken = f"line {problem.line}, column {problem.column}: {problem.message}" if problem else ""
    kept = (t for t in found if t.key.space != "relation" or t.key.name not in temporary)
    return Touched(tuple(dict.fromkeys(kept)), tuple(opaque), broken)


def _temporary(parsed: Parsed) -> set[str]:
    made = [m for _, m in grammar.walk(parsed.node) if m.DESCRIPTOR.name == "RangeVar" and m.relpersistence == "t"]
    return {plain(relation(m)) for m in made} | {f"pg_temp.{m.relname}" for m in made}


def _of(parsed: Parsed) -> Iterator[Touch]:
    """The touches of one statement: those that its node tells in detail, then the tables and types it uses."""
    detailed = list(_detailed(parsed))
    owned = {t.key for t in detailed}
    statement = parsed.statement
    named = () if parsed.node_name in _NOT_RELATIONS else (*statement.changes, *statement.reads)
    used = tuple(k for k in (Key("relation", plain(n)) for n in named) if k not in owned)
    for touch in detailed:
        yield replace(touch, needs=used) if touch.action == "creates" and touch.word in _BUILT_ON else touch
    yield from (Touch("uses", key, "table") for key in used)
    yield from (t for t in _referred(parsed.node) if t.key not in owned)


# What goes when that which it was made from is dropped (a view: with CASCADE).
_BUILT_ON = frozenset({"index", "view", "materialized view"})

# Nodes whose `changes` are no relations; the detail names them.
_NOT_RELATIONS = frozenset(
    {
        "alter_enum_stmt",
        "alter_type_stmt",
        "alter_domain_stmt",
        "alter_function_stmt",
        "alter_extension_stmt",
        "alter_publication_stmt",
        "grant_stmt",
        "comment_stmt",
        "alter_object_schema_stmt",
        "alter_owner_stmt",
        "alter_policy_stmt",
        "create_policy_stmt",
        "create_trig_stmt",
        "rename_stmt",
    }
)


def _referred(node: Any) -> Iterator[Touch]:
    """Types, functions and referenced tables that stand somewhere in the statement."""
    for _, message in grammar.walk(node):
        match message.DESCRIPTOR.name:
            case "TypeName":
                name = dotted(message.names)
                if name and not name.startswith("pg_catalog."):
                    yield Touch("uses", Key("type", plain(name)), "type")
            case "FuncCall":
                yield Touch("uses", Key("function", plain(dotted(message.funcname))), "function")
            case "CreateTrigStmt":
                yield Touch("uses", Key("function", plain(dotted(message.funcname))), "function")
                yield Touch("uses", Key("relation", plain(relation(message.relation))), "table")
            case "CreatePolicyStmt" | "AlterPolicyStmt":
                yield Touch("uses", Key("relation", plain(relation(message.table))), "table")
            case "Constraint":
                if message.HasField("pktable"):
                    table = plain(relation(message.pktable))
                    yield Touch("uses", Key("relation", table), "table")
                    for column in message.pk_attrs:
                        yield Touch("uses", Key("relation", table, f"column {column.string.sval}"))


def _detailed(parsed: Parsed) -> Iterator[Touch]:
    node = parsed.node
    match parsed.node_name:
        case "create_stmt":
            yield _made("table", relation(node.relation), tolerant=node.if_not_exists)
            yield from _columns(node)
        case "create_foreign_table_stmt":
            yield _made("foreign table", relation(node.base_stmt.relation), tolerant=node.base_stmt.if_not_exists)
        case "create_table_as_stmt":
            word = parsed.statement.kind.removeprefix("CREATE ").removesuffix(" AS").lower()
            yield _made(word, relation(node.into.rel), tolerant=node.if_not_exists)
        case "select_stmt":
            if node.HasField("into_clause"):
                yield _made("table", relation(node.into_clause.rel))
        case "view_stmt":
            yield _made("view", relation(node.view), replaces=node.replace)
        case "create_seq_stmt":
            yield _made("sequence", relation(node.sequence), tolerant=node.if_not_exists)
        case "alter_seq_stmt":
            yield Touch("changes", Key("relation", plain(relation(node.sequence))), "sequence")
        case "index_stmt":
            yield from _index(node)
        case "create_function_stmt":
            word = "procedure" if node.is_procedure else "function"
            name = plain(dotted(node.funcname)) + _signature(node.parameters)
            yield Touch("creates", Key("function", name), word, replaces=node.replace)
        case "alter_function_stmt":
            yield Touch("changes", Key("function", _routine(node.func)), "function")
        case "create_enum_stmt" | "create_range_stmt":
            yield _made("type", dotted(node.type_name), space="type")
        case "composite_type_stmt":
            yield _made("type", relation(node.typevar), space="type")
        case "create_domain_stmt":
            yield _made("domain", dotted(node.domainname), space="type")
        case "alter_domain_stmt":
            yield Touch("changes", Key("type", plain(dotted(node.type_name))), "domain")
        case "alter_enum_stmt":
            yield from _enum(node)
        case "alter_type_stmt":
            yield Touch("changes", Key("type", plain(dotted(node.type_name))), "type")
        case "define_stmt":
            word = parsed.statement.kind.removeprefix("CREATE ").lower()
            yield _made(word, dotted(node.defnames), space=_space(word.upper()), replaces=node.replace)
        case "create_schema_stmt":
            yield _made("schema", node.schemaname, space="schema", tolerant=node.if_not_exists)
        case "create_extension_stmt":
            yield _made("extension", node.extname, space="extension", tolerant=node.if_not_exists)
        case "alter_extension_stmt":
            yield Touch("changes", Key("extension", node.extname), "extension")
        case "create_trig_stmt":
            yield _part("creates", relation(node.relation), f"trigger {node.trigname}", replaces=node.replace)
        case "create_policy_stmt" | "alter_policy_stmt":
            action = "creates" if parsed.node_name.startswith("create") else "changes"
            yield _part(action, relation(node.table), f"policy {node.policy_name}")
        case "rule_stmt":
            yield _part("creates", relation(node.relation), f"rule {node.rulename}", replaces=node.replace)
        case "create_publication_stmt" | "alter_publication_stmt":
            action = "creates" if parsed.node_name.startswith("create") else "changes"
            yield Touch(action, Key("publication", node.pubname), "publication")
        case "create_stats_stmt":
            yield _made("statistics", dotted(node.defnames), space="statistics", tolerant=node.if_not_exists)
        case "alter_table_stmt":
            yield from _alter_table(node)
        case "rename_stmt":
            yield from _rename(node)
        case "alter_object_schema_stmt":
            yield from _moved(node)
        case "alter_owner_stmt":
            for key, word in _objects(object_word(node, "object_type"), [node.object]):
                yield Touch("changes", key._replace(part=key.part or "owner"), word)
        case "comment_stmt":
            for key, word in _objects(object_word(node, "objtype"), [node.object]):
                yield Touch("uses", key, word)
        case "grant_stmt":
            if grammar.enum_name(node, "targtype") == "ACL_TARGET_OBJECT":
                for key, word in _objects(object_word(node, "objtype"), node.objects):
                    yield Touch("uses", key, word)
        case "drop_stmt":
            for key, word in _objects(object_word(node, "remove_type"), node.objects):
                yield Touch("drops", key, word, tolerant=node.missing_ok)
        case "truncate_stmt":
            for found in node.relations:
                yield _part("changes", relation(found.range_var), "rows")
        case "delete_stmt" | "merge_stmt":
            yield _part("changes", relation(node.relation), "rows")
        case "update_stmt":
            for found in node.target_list:
                yield _part("changes", relation(node.relation), f"data of {found.res_target.name}")
                yield _part("uses", relation(node.relation), f"column {found.res_target.name}")
        case "insert_stmt":
            for found in node.cols:
                yield _part("uses", relation(node.relation), f"column {found.res_target.name}")


def _made(word: str, name: str, *, space: str = "", tolerant: bool = False, replaces: bool = False) -> Touch:
    return Touch("creates", Key(space or "relation", plain(name)), word, tolerant=tolerant, replaces=replaces)


def _part(action: str, table: str, part: str, *, tolerant: bool = False, replaces: bool = False) -> Touch:
    return Touch(action, Key("relation", plain(table), part), "table", tolerant=tolerant, replaces=replaces)


def _space(word: str) -> str:
    if word in RELATIONS:
        return "relation"
    if word in ROUTINES:
        return "function"
    return "type" if word in TYPES else word.lower()


def _columns(node: Any) -> Iterator[Touch]:
    """The columns and named constraints of CREATE TABLE."""
    table = relation(node.relation)
    for element in node.table_elts:
        if element.WhichOneof("node") == "column_def":
            yield _part("creates", table, f"column {element.column_def.colname}", tolerant=node.if_not_exists)
            constraints = element.column_def.constraints
        else:
            constraints = [element]
        for found in constraints:
            for action, part, _ in constraint(found.constraint) if found.WhichOneof("node") == "constraint" else ():
                if action == "creates":
                    yield _part("creates", table, part, tolerant=node.if_not_exists)


def _index(node: Any) -> Iterator[Touch]:
    table = relation(node.relation)
    if node.idxname:
        schema = f"{node.relation.schemaname}." if node.relation.schemaname else ""
        yield _made("index", schema + node.idxname, tolerant=node.if_not_exists)
    for element in (*node.index_params, *node.index_including_params):
        if element.index_elem.name:
            yield _part("uses", table, f"column {element.index_elem.name}")


def _enum(node: Any) -> Iterator[Touch]:
    key = Key("type", plain(dotted(node.type_name)))
    yield Touch("uses", key, "type")
    if node.old_val:
        yield Touch("drops", key._replace(part=f"value {node.old_val}"), "type")
    if node.new_val:
        yield Touch("creates", key._replace(part=f"value {node.new_val}"), "type", tolerant=node.skip_if_new_val_exists)


def _signature(parameters: Any) -> str:
    """The input types of a function as they tell it from its namesakes: "(int4,text[])"."""
    inputs = []
    for found in parameters:
        parameter = found.function_parameter
        if grammar.enum_name(parameter, "mode") not in ("FUNC_PARAM_OUT", "FUNC_PARAM_TABLE"):
            inputs.append(_type_name(parameter.arg_type))
    return f"({','.join(inputs)})"


def _type_name(type_name: Any) -> str:
    return dotted(type_name.names).removeprefix("pg_catalog.") + "[]" * len(type_name.array_bounds)


def _routine(found: Any) -> str:
    """A function reference with its types; without any when the statement names none."""
    name = plain(dotted(found.objname))
    if found.args_unspecified:
        return name
    return f"{name}({','.join(_type_name(a.type_name) for a in found.objargs if a.WhichOneof('node') == 'type_name')})"


def _objects(word: str, nodes: Iterable[Any]) -> Iterator[tuple[Key, str]]:
    """The keys of objects as DROP, COMMENT and ALTER ... OWNER name them."""
    for node in nodes:
        if word in ROUTINES and node.WhichOneof("node") == "object_with_args":
            yield Key("function", _routine(node.object_with_args)), word.lower()
            continue
        name = object_name(node)
        if word in INSIDE_A_TABLE or word in ("COLUMN", "TABCONSTRAINT", "CONSTRAINT"):
            table, _, inner = name.rpartition(".")
            part = word.lower().removeprefix("tab")
            yield Key("relation", plain(table), f"{part} {inner}"), "table"
        elif name:
            yield Key(_space(word), plain(name)), word.lower()


def _alter_table(node: Any) -> Iterator[Touch]:
    word = object_word(node, "objtype")
    whole = Key(_space(word), plain(relation(node.relation)))
    yield Touch("uses", whole, word.lower(), tolerant=node.missing_ok)
    for command in node.cmds:
        for action, part, tolerant in alteration(command.alter_table_cmd):
            yield Touch(action, whole._replace(part=part), word.lower(), tolerant=tolerant or node.missing_ok)


def _rename(node: Any) -> Iterator[Touch]:
    word = object_word(node, "rename_type")
    if word in ("COLUMN", "ATTRIBUTE", "CONSTRAINT", "TRIGGER", "POLICY", "RULE") and node.HasField("relation"):
        part = "column" if word == "ATTRIBUTE" else word.lower()
        whole, owner = Key("type" if word == "ATTRIBUTE" else "relation", plain(relation(node.relation))), "table"
        yield Touch("uses", whole, owner, tolerant=node.missing_ok)
        yield Touch("drops", whole._replace(part=f"{part} {node.subname}"), owner, tolerant=node.missing_ok)
        yield Touch("creates", whole._replace(part=f"{part} {node.newname}"), owner)
    elif node.HasField("relation"):
        old = Key("relation", plain(relation(node.relation)))
        yield Touch("drops", old, word.lower(), tolerant=node.missing_ok)
        yield Touch("creates", old._replace(name=_renamed(old.name, node.newname)), word.lower())
    else:
        for key, what in _objects(word, [node.object]):
            if key.part:
                yield Touch("changes", key, what)
                continue
            arguments = key.name[key.name.find("(") :] if "(" in key.name else ""
            bare = key.name.removesuffix(arguments)
            yield Touch("drops", key, what)
            yield Touch("creates", key._replace(name=_renamed(bare, node.newname) + arguments), what)


def _renamed(old: str, new: str) -> str:
    schema, dot, _ = old.rpartition(".")
    return f"{schema}{dot}{new}"


def _moved(node: Any) -> Iterator[Touch]:
    """ALTER ... SET SCHEMA: the old name goes, the new one comes."""
    word = object_word(node, "object_type")
    if node.HasField("relation"):
        found: Iterable[tuple[Key, str]] = [(Key("relation", plain(relation(node.relation))), word.lower())]
    else:
        found = _objects(word, [node.object])
    for key, what in found:
        bare = key.name.rpartition(".")[2] if "(" not in key.name else key.name.partition("(")[0].rpartition(".")[2]
        arguments = key.name[key.name.find("(") :] if "(" in key.name else ""
        yield Touch("drops", key, what, tolerant=node.missing_ok)
        yield Touch("creates", key._replace(name=plain(f"{node.newschema}.{bare}{arguments}")), what)
