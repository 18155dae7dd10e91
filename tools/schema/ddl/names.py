"""How an object is named in SQL: the word for its kind and a quoted reference, and the steps that DDL is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ...sql.quote import ident, qualified
from ..model import ObjectId

# The three stretches of a script. Rows are put back between BUILD and FINISH: tables and columns are there by then,
# while NOT NULL, constraints, indexes, triggers and views are not yet in the way.
DROP, BUILD, FINISH = 0, 1, 3

RELATIONS = ("table", "foreign_table", "view", "materialized_view", "sequence", "index")
TABLE_KINDS = ("table", "foreign_table")
HOLDER_KINDS = ("table", "foreign_table", "view", "materialized_view")
ROUTINES = ("function", "procedure", "aggregate")
TYPES = ("enum", "composite", "range", "domain", "base_type")
# Kinds whose objects live inside a relation (ObjectId.parent) and go when it goes.
INSIDE = ("column", "constraint", "index", "trigger", "policy", "rule")

WORDS: Mapping[str, str] = {
    "base_type": "TYPE",
    "composite": "TYPE",
    "enum": "TYPE",
    "range": "TYPE",
    "text_search_configuration": "TEXT SEARCH CONFIGURATION",
    "text_search_dictionary": "TEXT SEARCH DICTIONARY",
    "text_search_parser": "TEXT SEARCH PARSER",
    "text_search_template": "TEXT SEARCH TEMPLATE",
}


class Step(NamedTuple):
    """A statement (without semicolon) and the stretch of the script in which it stands."""

    phase: int
    sql: str


def word(kind: str) -> str:
    """The SQL word for a kind: "MATERIALIZED VIEW"."""
    return WORDS.get(kind, kind.replace("_", " ").upper())


def relation(id: ObjectId) -> str:
    """The table or view that a child belongs to, quoted: public.orders."""
    return qualified(id.schema, id.parent)


def own(id: ObjectId) -> str:
    """The object's own reference as DROP and COMMENT want it after the word for its kind."""
    match id.kind:
        case "schema" | "extension" | "language" | "foreign_data_wrapper" | "server" | "publication" | "subscription":
            return ident(id.name)
        case "event_trigger" | "access_method":
            return ident(id.name)
        case "function" | "procedure" | "aggregate":
            return routine(id)
        case "column":
            return f"{relation(id)}.{ident(id.name)}"
        case "constraint" | "trigger" | "policy" | "rule":
            return f"{ident(id.name)} ON {relation(id)}"
        case "domain_constraint":
            return f"{ident(id.name)} ON DOMAIN {relation(id)}"
        case "operator":
            symbol, _, arguments = id.name.partition("(")
            return f"{ident(id.schema)}.{symbol}({arguments}"
        case "operator_class" | "operator_family":
            name, _, method = id.name.rpartition(" USING ")
            return f"{qualified(id.schema, name)} USING {method}"
        case "cast":
            return f"({id.name})"
        case "transform":
            return f"FOR {id.name.replace(' FOR ', ' LANGUAGE ', 1)}"
        case "user_mapping":
            return f"FOR {id.name if id.name == 'PUBLIC' else ident(id.name)} SERVER {ident(id.parent)}"
        case _:
            return qualified(id.schema, id.name)


def routine(id: ObjectId) -> str:
    """A routine with its argument types: public.total(integer, text)."""
    name, _, arguments = id.name.partition("(")
    return f"{qualified(id.schema, name)}({arguments}"


def noun(id: ObjectId) -> str:
    """Kind and reference: TABLE public.orders, TRIGGER touch ON public.orders."""
    kind = "constraint" if id.kind == "domain_constraint" else id.kind
    return f"{word(kind)} {own(id)}"


def options_sql(options: Mapping[str, Any]) -> str:
    """Storage parameters or options as name=value pairs: fillfactor=70, autovacuum_enabled='false'."""
    return ", ".join(f"{k}={option_value(v)}" for k, v in sorted(options.items()))


def option_value(value: Any) -> str:
    text = str(value)
    if text.lstrip("-").replace(".", "", 1).isdigit() and not text.startswith("."):
        return text
    return "'" + text.replace("'", "''") + "'"


def as_list(value: object) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else []
