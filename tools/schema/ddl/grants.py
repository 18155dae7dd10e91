"""Grants of one object, of a column, and the default privileges of a role."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from ...sql.quote import ident
from ..model import ObjectId, SchemaObject
from .names import BUILD, ROUTINES, Step, own, relation

_GRANT = re.compile(r'(?P<privilege>[A-Z ]+?) TO (?P<who>"(?:[^"]|"")*"|\S+)(?P<option> WITH GRANT OPTION)?(?: BY .*)?')

_TABLE = ("DELETE", "INSERT", "REFERENCES", "SELECT", "TRIGGER", "TRUNCATE", "UPDATE")


def defaults(kind: str, version: int) -> list[str]:
    """The grants that a new object of the kind has. Source: manual, section 5.8 "Privileges", table 5.2."""
    if kind in ("table", "view", "materialized_view", "foreign_table"):
        rights = sorted([*_TABLE, *(["MAINTAIN"] if version >= 170000 else [])])
        return [f"{r} TO OWNER" for r in rights]
    if kind == "sequence":
        return [f"{r} TO OWNER" for r in ("SELECT", "UPDATE", "USAGE")]
    if kind in ROUTINES:
        return ["EXECUTE TO OWNER", "EXECUTE TO PUBLIC"]
    if kind in ("enum", "composite", "range", "domain", "base_type", "language"):
        return ["USAGE TO OWNER", "USAGE TO PUBLIC"]
    if kind == "schema":
        return ["CREATE TO OWNER", "USAGE TO OWNER"]
    if kind in ("server", "foreign_data_wrapper"):
        return ["USAGE TO OWNER"]
    return []


def parts(grant: str) -> tuple[str, str, bool]:
    """(privilege, grantee, with grant option) of a grant as the snapshot writes it."""
    found = _GRANT.fullmatch(grant)
    if not found:
        return grant, "", False
    return found["privilege"], found["who"], bool(found["option"])


def changes(id: ObjectId, now: Iterable[str], wanted: Iterable[str], owner: str) -> list[str]:
    """GRANT and REVOKE statements that turn the grants `now` into those `wanted`."""
    have, want = {parts(g) for g in now}, {parts(g) for g in wanted}
    take: dict[str, list[str]] = defaultdict(list)
    give: dict[tuple[str, bool], list[str]] = defaultdict(list)
    for privilege, who, option in sorted(have - want):
        if (privilege, who, not option) not in want or option:
            take[who].append(privilege)
    for privilege, who, option in sorted(want - have):
        give[who, option].append(privilege)
    lost = {(p, w) for w, ps in take.items() for p in ps}
    for privilege, who, option in sorted(have & want):
        if (privilege, who) in lost:  # revoked as a whole: give back what stays
            give[who, option].append(privilege)
    on = _target(id)
    statements = [f"REVOKE {_rights(id, ps)} ON {on} FROM {_who(w, owner)}" for w, ps in sorted(take.items())]
    for (who, option), privileges in sorted(give.items()):
        tail = " WITH GRANT OPTION" if option else ""
        statements.append(f"GRANT {_rights(id, privileges)} ON {on} TO {_who(who, owner)}{tail}")
    return statements


def _who(who: str, owner: str) -> str:
    return (ident(owner) if owner else "CURRENT_USER") if who == "OWNER" else who


def _rights(id: ObjectId, privileges: Sequence[str]) -> str:
    unique = sorted(set(privileges))
    if id.kind == "column":
        return ", ".join(f"{p} ({ident(id.name)})" for p in unique)
    return ", ".join(unique)


def _target(id: ObjectId) -> str:
    match id.kind:
        case "column":
            return f"TABLE {relation(id)}"
        case "table" | "view" | "materialized_view" | "foreign_table":
            return f"TABLE {own(id)}"
        case "aggregate" | "function":
            return f"FUNCTION {own(id)}"
        case "enum" | "composite" | "range" | "base_type":
            return f"TYPE {own(id)}"
        case "server":
            return f"FOREIGN SERVER {own(id)}"
        case _:
            return f"{id.kind.replace('_', ' ').upper()} {own(id)}"


_BUILT_IN: dict[str, list[str]] = {
    "tables": [f"{r} TO OWNER" for r in _TABLE],
    "sequences": ["SELECT TO OWNER", "UPDATE TO OWNER", "USAGE TO OWNER"],
    "functions": ["EXECUTE TO OWNER", "EXECUTE TO PUBLIC"],
    "types": ["USAGE TO OWNER", "USAGE TO PUBLIC"],
    "schemas": ["CREATE TO OWNER", "USAGE TO OWNER"],
    "large objects": ["SELECT TO OWNER", "UPDATE TO OWNER"],
}


def default_privileges(id: ObjectId, now: SchemaObject | None, wanted: SchemaObject | None, version: int) -> list[Step]:
    """ALTER DEFAULT PRIVILEGES statements for one role, schema and kind of object; None: nothing is set.

    Without a schema, nothing set means the built-in rights; with one, it means nothing is added.
    """
    empty = [] if id.schema else sorted(_BUILT_IN.get(id.name, []))
    if not id.schema and id.name == "tables" and version >= 170000:
        empty = sorted([*empty, "MAINTAIN TO OWNER"])
    have = {parts(g) for g in (now.properties.get("grants", []) if now else empty)}
    want = {parts(g) for g in (wanted.properties.get("grants", []) if wanted else empty)}
    head = f"ALTER DEFAULT PRIVILEGES FOR ROLE {ident(id.parent)}"
    head += f" IN SCHEMA {ident(id.schema)}" if id.schema else ""
    kind = id.name.upper()
    steps = []
    for privilege, who, _ in sorted(have - want):
        steps.append(Step(BUILD, f"{head} REVOKE {privilege} ON {kind} FROM {_who(who, id.parent)}"))
    for privilege, who, option in sorted(want - have):
        tail = " WITH GRANT OPTION" if option else ""
        steps.append(Step(BUILD, f"{head} GRANT {privilege} ON {kind} TO {_who(who, id.parent)}{tail}"))
    return steps
