"""Changes of a schema in plain sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..sql.quote import ident
from .model import ObjectId, SchemaObject

_SHORT = 100  # longer text than this is not quoted in a sentence

# Kinds whose name is more than one word.
_SPELLED = frozenset(
    "function procedure aggregate operator operator_class operator_family cast transform default_privileges".split()
)
_WORDS = {
    "not_valid": "not valid",
    "not_null": "not null",
    "row_security": "row level security",
    "force_row_security": "row level security for the owner",
    "not_null_name": "name of the NOT NULL constraint",
    "not_null_invalid": "NOT NULL not validated",
    "not_null_no_inherit": "NOT NULL not inherited",
    "not_null_inherited": "NOT NULL only inherited",
}


def named(id: ObjectId) -> str:
    """The object as people call it: "column public.orders.note", quoted as SQL wants it."""
    return f"{id.kind.replace('_', ' ')} {'.'.join(p for p in (_word(id.schema), _word(id.parent), _own(id)) if p)}"


def _word(name: str) -> str:
    return ident(name) if name else ""


def _own(id: ObjectId) -> str:
    """The name alone; a routine, operator or cast is written as it is."""
    return id.name if id.kind in _SPELLED else ident(id.name)


def sentence(kind: str, before: SchemaObject | None, after: SchemaObject | None, properties: tuple[str, ...]) -> str:
    """One sentence for a change: what, which object, and from what to what."""
    if kind == "added" and after is not None:
        about = _about(after)
        return f"{named(after.id)} added{': ' + about if about else ''}"
    if kind == "dropped" and before is not None:
        return f"{named(before.id)} dropped"
    assert before is not None and after is not None
    if kind == "renamed":
        return f"{named(before.id)} renamed to {_new_name(before.id, after.id)}"
    parts = [_altered(name, before, after) for name in properties if not _is_told(name, before, after, properties)]
    return f"{named(after.id)}: {'; '.join(p for p in parts if p)}"


def _new_name(old: ObjectId, new: ObjectId) -> str:
    if old.parent or old.schema == new.schema == "":
        return _own(new)
    return f"{_word(new.schema)}.{_own(new)}"


def _about(item: SchemaObject) -> str:
    """What an object is, in a few words."""
    p = item.properties
    match item.id.kind:
        case "column":
            return ", ".join(column_words(p))
        case "constraint" | "domain_constraint":
            return str(p["definition"])
        case "index":
            unique = "unique, " if p.get("unique") else ""
            where = f", where {p['predicate']}" if p.get("predicate") else ""
            return f"{unique}on ({', '.join(p['columns'])}){where}"
        case "enum":
            return ", ".join(p["labels"])
        case "domain":
            return str(p["type"])
        case "extension":
            return f"version {p['version']}"
        case "trigger":
            return f"runs {p['function']}"
        case "policy":
            return f"for {p['command']} to {', '.join(p['roles'])}"
        case "default_privileges":
            return "; ".join(p["grants"])
        case "function" | "procedure":
            return f"{p['language']}, returns {p['result']}" if p.get("result") else str(p["language"])
        case "table" | "foreign_table" if "partition_of" in p:
            return f"partition of {p['partition_of']} {p.get('partition_bound', '')}".rstrip()
    return ""


def column_words(p: Mapping[str, Any]) -> list[str]:
    """A column's type and what else stands in its definition."""
    words = [str(p["type"])]
    if p.get("not_null"):
        words.append("not null")
    if "default" in p:
        words.append(f"default {p['default']}")
    if "generated" in p:
        words.append(f"generated {p['generated']} as {p['expression']}")
    if "identity" in p:
        words.append(f"identity {p['identity']}")
    return words


def _is_told(name: str, before: SchemaObject, after: SchemaObject, properties: tuple[str, ...]) -> bool:
    """Whether another property's sentence says the same: a definition differs with every one of its parts."""
    if name != "definition" or len(properties) == 1:
        return False
    if before.id.kind in ("function", "procedure"):
        return _body(before) == _body(after)
    return before.id.kind in (
        "index",
        "constraint",
        "domain_constraint",
        "trigger",
        "event_trigger",
        "rule",
        "range",
    ) and (
        set(properties) - {"definition", "comment", "enabled", "clustered", "replica_identity", "constraint"} != set()
    )


def _body(item: SchemaObject) -> str:
    """A routine's body: what follows AS or BEGIN ATOMIC in its definition."""
    text = str(item.properties["definition"])
    at = max(text.find("\nAS "), text.find("\nBEGIN ATOMIC"))
    return text[at:] if at >= 0 else text


def _altered(name: str, before: SchemaObject, after: SchemaObject) -> str:
    old, new = before.properties.get(name), after.properties.get(name)
    word = _WORDS.get(name, name.replace("_", " "))
    if name == "definition" and before.id.kind in ("function", "procedure"):
        return "body changed" if _body(before) != _body(after) else "definition changed"
    if name == "labels":
        return _labels(old or [], new or [])
    if name == "attributes":
        return _attributes(old or [], new or [])
    if name in ("grants", "tables") or (
        isinstance(old or new, list) and name in ("roles", "operations", "schemas", "tags")
    ):
        return _list(word, old or [], new or [])
    if isinstance(old or new, dict):
        return _options(word, old or {}, new or {})
    if isinstance(old, bool) or isinstance(new, bool):
        return f"{word} {'set' if new else 'taken away'}"
    if old is None:
        return f"{word} set to {_value(new)}" if _fits(new) else f"{word} set"
    if new is None:
        return f"{word} removed (was {_value(old)})" if _fits(old) else f"{word} removed"
    if _fits(old) and _fits(new):
        return f"{word} changed from {_value(old)} to {_value(new)}"
    return f"{word} changed"


def _fits(value: Any) -> bool:
    text = _value(value)
    return len(text) <= _SHORT and "\n" not in text


def _value(value: Any) -> str:
    if isinstance(value, list):
        return "(" + ", ".join(map(str, value)) + ")"
    return str(value)


def _list(word: str, old: list[Any], new: list[Any]) -> str:
    more = [_item(i) for i in new if i not in old]
    less = [_item(i) for i in old if i not in new]
    said = [f"{word} added: {', '.join(more)}"] if more else []
    return "; ".join(said + ([f"{word} taken away: {', '.join(less)}"] if less else []))


def _item(item: Any) -> str:
    if not isinstance(item, dict):
        return str(item)
    columns = f" ({', '.join(item['columns'])})" if item.get("columns") else ""
    return f"{item['table']}{columns}{' where ' + item['where'] if item.get('where') else ''}"


def _options(word: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    said = [f"{key} = {value}" for key, value in new.items() if old.get(key) != value]
    gone = [key for key in old if key not in new]
    return f"{word}: " + ", ".join(said + [f"{key} removed" for key in gone])


def _labels(old: list[str], new: list[str]) -> str:
    said = []
    for at, label in enumerate(new):
        if label not in old:
            place = f" after '{new[at - 1]}'" if at else " at the start" if old else ""
            said.append(f"label '{label}' added{place}")
    said += [f"label '{label}' gone" for label in old if label not in new]
    return "; ".join(said) or "labels in another order"


def _attributes(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> str:
    was, now = {a["name"]: a for a in old}, {a["name"]: a for a in new}
    said = [f"attribute {n} added: {a['type']}" for n, a in now.items() if n not in was]
    said += [f"attribute {n} dropped" for n in was if n not in now]
    for name in was.keys() & now.keys():
        if was[name]["type"] != now[name]["type"]:
            said.append(f"attribute {name} changed from {was[name]['type']} to {now[name]['type']}")
        elif was[name] != now[name]:
            said.append(f"attribute {name} changed")
    return "; ".join(said) or "attributes in another order"
