"""Which columns' values a statement copies elsewhere: UPDATE ... SET, INSERT ... SELECT, CREATE TABLE AS, MERGE."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..sql import grammar
from .catalog import Catalog, Copy
from .shapes import relation_key
from .step import Step

COPYING = frozenset({"insert_stmt", "update_stmt", "select_stmt", "create_table_as_stmt", "merge_stmt", "delete_stmt"})
DEEPEST = 8  # queries in queries: how far down a column is followed


class Query(NamedTuple):
    """A subquery, or the body of a WITH, and the WITH names that it sees. renamed: its columns have other names."""

    node: Any
    names: Mapping[str, Query]
    renamed: bool = False

    def called(self, columns: Sequence[Any]) -> Query:
        """The query under a name that may give its columns names too."""
        return self._replace(renamed=True) if columns else self


# What a name in FROM stands for: a table by its key, or a query.
Source = str | Query


def note_copies(step: Step) -> None:
    """Remember on the catalog that the statement may copy something: what it copies is asked by few, and late."""
    if step.node_name in COPYING and not (step.node_name == "insert_stmt" and _only_values(step.node)):
        step.catalog.writes.append((step, dict(step.transaction.held) if step.in_transaction else {}))


def copied(catalog: Catalog) -> list[Copy]:
    """What the change has copied so far out of columns that were there before it."""
    for step, held in catalog.writes:
        for table, column, into in dict.fromkeys(copies(step)):
            known = catalog.tables.get(table)
            if not catalog.is_new(table) and not (known is not None and known.column(column).new):
                catalog.copied.append(Copy(table, column, into, held.get(table)))
    catalog.writes.clear()
    return catalog.copied


def _only_values(insert: Any) -> bool:
    """Whether an INSERT writes what its VALUES say, as most do: there is no query in it."""
    values = insert.select_stmt.select_stmt.values_lists
    return bool(values) and not insert.HasField("with_clause") and not any(grammar.messages(insert, ("SubLink",)))


def copies(step: Step) -> Iterator[tuple[str, str, str]]:
    """(table, column, where to) for each column whose values the statement writes elsewhere."""
    catalog, node = step.catalog, step.node
    names = _names(node, {})
    if step.node_name == "create_table_as_stmt" and grammar.enum_name(node, "objtype") == "OBJECT_TABLE":
        for table, column in _output(catalog, _inner(node.query), {}, "*", 0):
            yield table, column, relation_key(node.into.rel)
    if step.node_name == "select_stmt" and node.HasField("into_clause"):
        for table, column in _output(catalog, node, {}, "*", 0):
            yield table, column, relation_key(node.into_clause.rel)
    for write in step.writes():
        kind = write.DESCRIPTOR.name
        target = relation_key(write.relation)
        seen = names if write is node else _names(write, names)
        if kind == "InsertStmt" and write.HasField("select_stmt"):
            for table, column in _output(catalog, _inner(write.select_stmt), seen, "*", 0):
                yield table, column, target
        elif kind == "UpdateStmt":
            scope = _target(write.relation) | _scope(write.from_clause, seen)
            yield from _assigned(catalog, write.target_list, scope, seen, target)
        elif kind == "MergeStmt":
            source = [write.source_relation] if write.HasField("source_relation") else []
            scope = _target(write.relation) | _scope(source, seen)
            for clause in write.merge_when_clauses:
                when = clause.merge_when_clause
                yield from _assigned(catalog, when.target_list, scope, seen, target)
                for value in when.values:
                    for table, column in _read(catalog, value, scope, seen, target, 0):
                        yield table, column, target


def _assigned(
    catalog: Catalog, targets: Iterable[Any], scope: Mapping[str, Source], names: Mapping[str, Query], target: str
) -> Iterator[tuple[str, str, str]]:
    """What the assignments of an UPDATE read; a column that is computed from itself is not copied."""
    for wrapped in targets:
        made = wrapped.res_target
        value = made.val
        if value.WhichOneof("node") == "multi_assign_ref":
            value = _part(value.multi_assign_ref)
        for table, column in _read(catalog, value, scope, names, target, 0):
            if (table, column) != (target, made.name):
                yield table, column, target


def _part(assigned: Any) -> Any:
    """The expression of one column in SET (a, b) = (x, y); the whole source where it cannot be told."""
    source = assigned.source
    if source.WhichOneof("node") == "row_expr" and len(source.row_expr.args) == assigned.ncolumns:
        return source.row_expr.args[assigned.colno - 1]
    return source


def _inner(node: Any) -> Any:
    which = node.WhichOneof("node")
    return getattr(node, which) if which else node


def _names(node: Any, outer: Mapping[str, Query]) -> dict[str, Query]:
    """The WITH names that a statement's parts see. Each one sees those before it."""
    found = dict(outer)
    if "with_clause" in node.DESCRIPTOR.fields_by_name and node.HasField("with_clause"):
        for wrapped in node.with_clause.ctes:
            made = wrapped.common_table_expr
            found[str(made.ctename)] = Query(_inner(made.ctequery), dict(found)).called(made.aliascolnames)
    return found


def _alias(table: Any) -> str:
    return str(table.alias.aliasname) if table.HasField("alias") else str(table.relname)


def _target(table: Any) -> dict[str, Source]:
    """The scope that the table of an INSERT, UPDATE, DELETE or MERGE makes: WITH names do not hide it."""
    return {_alias(table): relation_key(table)}


def _scope(items: Iterable[Any], names: Mapping[str, Query]) -> dict[str, Source]:
    """Alias -> what it stands for, for each item of a FROM list."""
    found: dict[str, Source] = {}
    for item in items:
        which = item.WhichOneof("node")
        if which == "range_var":
            table = item.range_var
            query = names.get(str(table.relname)) if not table.schemaname else None
            columns = table.alias.colnames if table.HasField("alias") else ()
            found[_alias(table)] = relation_key(table) if query is None else query.called(columns)
        elif which == "join_expr":
            found |= _scope([item.join_expr.larg, item.join_expr.rarg], names)
        elif which == "range_subselect":
            inner = item.range_subselect
            found[str(inner.alias.aliasname)] = Query(_inner(inner.subquery), names).called(inner.alias.colnames)
    return found


def _output(
    catalog: Catalog, query: Any, names: Mapping[str, Query], wanted: str, depth: int
) -> Iterator[tuple[str, str]]:
    """The columns that a query's output column is made of ("*": those of all)."""
    if depth > DEEPEST:
        return
    kind = query.DESCRIPTOR.name
    seen = _names(query, names)
    if kind == "SelectStmt" and query.HasField("larg"):
        for number, branch in enumerate(_branches(query)):
            # The names are those of the first; which column of the others stands there is not followed.
            yield from _output(catalog, branch, seen, "*" if number else wanted, depth + 1)
        return
    if kind == "SelectStmt":
        targets, scope, first = query.target_list, _scope(query.from_clause, seen), ""
    elif kind in ("DeleteStmt", "UpdateStmt", "InsertStmt") and query.HasField("returning_clause"):
        more = query.using_clause if kind == "DeleteStmt" else query.from_clause if kind == "UpdateStmt" else ()
        targets = query.returning_clause.exprs
        scope, first = _target(query.relation) | _scope(more, seen), relation_key(query.relation)
    else:
        return
    for wrapped in targets:
        made = wrapped.res_target
        if wanted in ("*", _name_of(made)) or _name_of(made) == "*":
            for table, column in _read(catalog, made.val, scope, seen, first, depth):
                yield table, wanted if column == "*" else column


def _branches(query: Any) -> list[Any]:
    """The queries that UNION and the like put together, in order: there may be thousands of them."""
    found, stack = [], [query]
    while stack:
        branch = stack.pop()
        if branch.HasField("larg"):
            stack += [branch.rarg, branch.larg]
        else:
            found.append(branch)
    return found


def _name_of(target: Any) -> str:
    """The name of an output column: its alias, or that of the column it is; "*" for all; "" for what has none here."""
    if target.name:
        return str(target.name)
    if target.val.WhichOneof("node") != "column_ref":
        return ""
    last = target.val.column_ref.fields[-1]
    return "*" if last.WhichOneof("node") == "a_star" else str(last.string.sval)


def _read(
    catalog: Catalog, expression: Any, scope: Mapping[str, Source], names: Mapping[str, Query], first: str, depth: int
) -> Iterator[tuple[str, str]]:
    """The columns of tables that an expression reads. first: the table of a name that any of several may have."""
    messages = [m for _, m in grammar.walk(expression)]
    inner = dict(scope)
    for message in messages:
        if message.DESCRIPTOR.name == "SelectStmt":
            inner |= _scope(message.from_clause, _names(message, names))
    for message in messages:
        if message.DESCRIPTOR.name != "ColumnRef":
            continue
        *before, last = message.fields
        column = "*" if last.WhichOneof("node") == "a_star" else str(last.string.sval)
        if before:
            alias = str(before[-1].string.sval)
            sources = [inner[alias]] if alias in inner else []
        else:
            sources = list(inner.values())
        yield from _of(catalog, sources, column, first, depth)


def _of(catalog: Catalog, sources: Sequence[Source], column: str, first: str, depth: int) -> Iterator[tuple[str, str]]:
    """The columns of tables behind a name, in the sources that may have it."""
    queries = [s for s in sources if isinstance(s, Query)]
    tables = [s for s in sources if not isinstance(s, Query)]
    for query in queries:
        yield from _output(catalog, query.node, query.names, "*" if query.renamed else column, depth + 1)
    if column == "*" or len(sources) == 1:
        yield from ((t, column) for t in tables)
        return
    known = {t: catalog.tables[t] for t in tables if t in catalog.tables}
    having = [t for t, table in known.items() if column in table.columns]
    unread = [t for t in tables if t not in known or not known[t].known]
    if not having and (first in unread or len(unread) == 1):
        having = [first] if first in unread else unread
    yield from ((t, column) for t in having)
