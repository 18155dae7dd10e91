"""What CHECK constraints and partitions ask of values, as far as their expressions are simple enough to read.

A hint may be wrong or missing: the server has the last word, and rows that it refuses are tried anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from ..sql import grammar

_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "<>": "<>"}
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "=": "<>", "<>": "="}
_LENGTHS = {"length", "char_length", "character_length", "octet_length"}
_COUNTS = {"cardinality", "array_length"}


@dataclass(slots=True)
class Hint:
    """What is asked of one column. low, high: (text, the end itself is allowed). values: one of these.
    above: other columns that it must be greater than. same: other columns whose value it must have."""

    low: tuple[str, bool] | None = None
    high: tuple[str, bool] | None = None
    values: list[str] | None = None
    excluded: set[str] = field(default_factory=set)
    min_length: int = 0
    max_length: int | None = None
    min_count: int | None = None
    max_count: int | None = None
    patterns: list[str] = field(default_factory=list)
    likes: list[str] = field(default_factory=list)
    case: str = ""
    json_type: str = ""
    null: bool | None = None
    above: list[str] = field(default_factory=list)
    same: list[str] = field(default_factory=list)


def hints(expressions: Iterable[str], branch: int = 0) -> dict[str, Hint]:
    """A hint per column name ("value" for a domain's own). branch: which side of each OR is taken, counted round."""
    found: dict[str, Hint] = {}
    for expression in expressions:
        condition = _condition(expression)
        if condition is not None:
            _read(condition, found, branch)
    return found


@lru_cache(maxsize=4096)
def _condition(expression: str) -> Any:
    try:
        (raw,) = grammar.raw_statements(f"SELECT WHERE {expression}")
    except (grammar.GrammarError, ValueError):
        return None
    return raw.node.where_clause


def _read(node: Any, found: dict[str, Hint], branch: int) -> None:
    kind = node.WhichOneof("node")
    if kind == "bool_expr":
        word = grammar.enum_name(node.bool_expr, "boolop")
        if word == "AND_EXPR":
            for part in node.bool_expr.args:
                _read(part, found, branch)
        elif word == "OR_EXPR":
            parts = node.bool_expr.args
            _read(parts[branch % len(parts)], found, branch // len(parts))
        else:
            _read_not(node.bool_expr.args[0], found)
    elif kind == "null_test":
        if name := _column(node.null_test.arg):
            null = grammar.enum_name(node.null_test, "nulltesttype") == "IS_NULL"
            found.setdefault(name, Hint()).null = null
    elif kind == "a_expr":
        _read_operator(node.a_expr, found)
    elif kind == "column_ref" and (name := _column(node)):
        found.setdefault(name, Hint()).values = ["true"]


def _read_not(node: Any, found: dict[str, Hint]) -> None:
    if node.WhichOneof("node") == "null_test" and (name := _column(node.null_test.arg)):
        found.setdefault(name, Hint()).null = False
    elif name := _column(node):
        found.setdefault(name, Hint()).values = ["false"]


def _read_operator(expression: Any, found: dict[str, Hint]) -> None:
    operator = str(expression.name[-1].string.sval)
    kind = grammar.enum_name(expression, "kind")
    left, right = expression.lexpr, expression.rexpr
    if kind in ("AEXPR_OP_ANY", "AEXPR_IN"):
        name, values = _column(left), _constants(right)
        if name and values and operator == "=":
            _among(found.setdefault(name, Hint()), values)
        return
    if kind == "AEXPR_BETWEEN" and (name := _column(left)):
        ends = _constants(right)
        if len(ends) == 2:
            hint = found.setdefault(name, Hint())
            _compare(hint, ">=", ends[0])
            _compare(hint, "<=", ends[1])
        return
    a, b = _column(left), _column(right)
    if a and b:
        _relate(found, a, operator, b)
        return
    for one, other, sign in ((left, right, operator), (right, left, _TURNED.get(operator, ""))):
        constant = _constant(other)
        if constant is None or not sign:
            continue
        if name := _column(one):
            _against(found.setdefault(name, Hint()), sign, constant)
        elif one.WhichOneof("node") == "func_call":
            _function(one.func_call, sign, constant, found)
        return
    if operator in ("=", "<>") and (call := _call_of_column(left)) and b == call[1]:
        found.setdefault(call[1], Hint()).case = call[0] if operator == "=" else ""
    elif operator == "=" and (call := _call_of_column(right)) and a == call[1]:
        found.setdefault(call[1], Hint()).case = call[0]


def _against(hint: Hint, operator: str, constant: str) -> None:
    if operator in _TURNED:
        _compare(hint, operator, constant)
    elif operator in ("~", "~*"):
        hint.patterns.append(constant)
    elif operator in ("~~", "~~*"):
        hint.likes.append(constant)


def _compare(hint: Hint, operator: str, constant: str) -> None:
    if operator == "=":
        _among(hint, [constant])
    elif operator == "<>":
        hint.excluded.add(constant)
        hint.min_length = max(hint.min_length, 1 if constant == "" else 0)
    elif operator in (">", ">="):
        hint.low = _tighter(hint.low, (constant, operator == ">="), upper=False)
    else:
        hint.high = _tighter(hint.high, (constant, operator == "<="), upper=True)


def _tighter(old: tuple[str, bool] | None, new: tuple[str, bool], *, upper: bool) -> tuple[str, bool]:
    if old is None:
        return new
    try:
        closer = float(new[0]) < float(old[0]) if upper else float(new[0]) > float(old[0])
    except ValueError:
        closer = new[0] < old[0] if upper else new[0] > old[0]
    return new if closer else old


def _among(hint: Hint, values: list[str]) -> None:
    hint.values = values if hint.values is None else [v for v in hint.values if v in values]


def _relate(found: dict[str, Hint], a: str, operator: str, b: str) -> None:
    if operator in ("<", "<="):
        a, b, operator = b, a, ">"
    hint = found.setdefault(a, Hint())
    if operator in (">", ">=", "<>"):
        hint.above.append(b)
    elif operator == "=":
        hint.same.append(b)


def _function(call: Any, operator: str, constant: str, found: dict[str, Hint]) -> None:
    name = str(call.funcname[-1].string.sval).lower()
    columns = [c for c in (_column(a) for a in call.args) if c]
    if not columns:
        return
    hint = found.setdefault(columns[0], Hint())
    if name in _LENGTHS or name in _COUNTS:
        low, high = _bounds(operator, constant)
        if name in _LENGTHS:
            hint.min_length = max(hint.min_length, low or 0)
            hint.max_length = high if hint.max_length is None else min(hint.max_length, high or hint.max_length)
        else:
            hint.min_count, hint.max_count = low, high
    elif name in ("btrim", "ltrim", "rtrim") and operator == "<>":
        hint.min_length = max(hint.min_length, 1)
    elif name in ("jsonb_typeof", "json_typeof") and operator == "=":
        hint.json_type = constant
    elif name == "num_nonnulls" and operator in ("=", ">=") and constant.isdigit():
        for number, column in enumerate(columns):
            found.setdefault(column, Hint()).null = number >= int(constant)
    elif name in ("position", "strpos") and operator in (">", "<>", ">="):
        for argument in call.args:
            if (wanted := _constant(argument)) is not None:
                hint.likes.append(f"%{wanted}%")
    elif name in ("lower", "upper") and operator == "=":
        _among(hint, [constant])


def _bounds(operator: str, constant: str) -> tuple[int | None, int | None]:
    try:
        number = int(constant)
    except ValueError:
        return None, None
    return {
        "=": (number, number),
        ">": (number + 1, None),
        ">=": (number, None),
        "<": (None, number - 1),
        "<=": (None, number),
        "<>": (number + 1, None),
    }.get(operator, (None, None))


def _bare(node: Any) -> Any:
    """The expression below casts and collations."""
    while (kind := node.WhichOneof("node")) in ("type_cast", "collate_clause"):
        node = getattr(node, kind).arg
    return node


def _column(node: Any) -> str:
    node = _bare(node)
    if node.WhichOneof("node") != "column_ref":
        return ""
    last = node.column_ref.fields[-1]
    return str(last.string.sval) if last.WhichOneof("node") == "string" else ""


def _constant(node: Any) -> str | None:
    node = _bare(node)
    kind = node.WhichOneof("node")
    if kind == "a_expr" and not node.a_expr.HasField("lexpr") and node.a_expr.name[-1].string.sval == "-":
        inner = _constant(node.a_expr.rexpr)
        return None if inner is None else f"-{inner}"
    if kind != "a_const" or node.a_const.isnull:
        return None
    sort = node.a_const.WhichOneof("val")
    if sort == "sval":
        return str(node.a_const.sval.sval)
    if sort == "fval":
        return str(node.a_const.fval.fval)
    if sort == "boolval":
        return "true" if node.a_const.boolval.boolval else "false"
    return str(node.a_const.ival.ival) if sort == "ival" else None


def _constants(node: Any) -> list[str]:
    node = _bare(node)
    kind = node.WhichOneof("node")
    if kind == "a_array_expr":
        items = node.a_array_expr.elements
    elif kind == "list":
        items = node.list.items
    else:
        return []
    return [c for c in (_constant(item) for item in items) if c is not None]


def _call_of_column(node: Any) -> tuple[str, str] | None:
    """(function, column) for lower(c) and upper(c)."""
    node = _bare(node)
    if node.WhichOneof("node") != "func_call" or len(node.func_call.args) != 1:
        return None
    name, column = str(node.func_call.funcname[-1].string.sval), _column(node.func_call.args[0])
    return (name, column) if name in ("lower", "upper") and column else None
