"""Schemas, extensions, publications, and the kinds that the server prints as one definition."""

from __future__ import annotations

import re

from ...sql.quote import ident, literal
from ..model import ObjectId, SchemaObject
from . import grants, trimmings
from .names import BUILD, FINISH, Step, noun, own


def create(made: SchemaObject, runs_as: str, version: int) -> list[Step]:
    p = made.properties
    match made.id.kind:
        case "schema":
            return [Step(BUILD, f"CREATE SCHEMA {own(made.id)}"), *trimmings.for_new(made, runs_as, version)]
        case "extension":
            sql = f"CREATE EXTENSION {own(made.id)}"
            if p.get("schema") and p["schema"] != "pg_catalog":
                sql += f" WITH SCHEMA {ident(p['schema'])}"
            return [Step(BUILD, f"{sql} VERSION {literal(str(p['version']))}"), *trimmings.changes(made.id, {}, p)]
        case "publication":
            return [
                Step(FINISH, f"CREATE PUBLICATION {own(made.id)}{_contents(made, ' FOR ')}{_with(made)}"),
                *trimmings.for_new(made, runs_as, version, FINISH),
            ]
        case "default_privileges":
            return grants.default_privileges(made.id, None, made, version)
        case "subscription":
            return []
        case _:
            parts = [s for s in str(p["definition"]).split(";\n") if s.strip()]
            steps = [Step(BUILD, part.rstrip().rstrip(";")) for part in parts]
            if made.id.kind in ("user_mapping",):
                return steps
            return steps + trimmings.for_new(made, runs_as, version)


def drop(id: ObjectId, obj: SchemaObject, version: int) -> list[Step]:
    if id.kind == "default_privileges":
        return grants.default_privileges(id, obj, None, version)
    if id.kind == "subscription":
        return []
    return [Step(BUILD, f"DROP {noun(id)}")]


def alter(now: SchemaObject, wanted: SchemaObject, version: int) -> list[Step] | None:
    """None when the object has to be dropped and made anew."""
    a, b = now.properties, wanted.properties
    steps: list[Step] = []
    match wanted.id.kind:
        case "schema":
            pass
        case "extension":
            if a.get("schema") != b.get("schema"):
                steps.append(Step(BUILD, f"ALTER EXTENSION {own(wanted.id)} SET SCHEMA {ident(b['schema'])}"))
            if a.get("version") != b.get("version"):
                steps.append(Step(BUILD, f"ALTER EXTENSION {own(wanted.id)} UPDATE TO {literal(str(b['version']))}"))
        case "publication":
            found = publication(now, wanted)
            if found is None:
                return None
            steps += found
        case "default_privileges":
            return grants.default_privileges(wanted.id, now, wanted, version)
        case "subscription":
            return []
        case _:
            if a.get("definition") != b.get("definition"):
                options = _options(wanted, str(a.get("definition")), str(b.get("definition")))
                if not options:
                    return None
                steps.append(options)
    return steps + trimmings.changes(wanted.id, a, b)


_OPTIONS = re.compile(r"(?P<head>.*?)(?: OPTIONS \((?P<options>.*)\))?", re.DOTALL)
_OPTION = re.compile(r"""("(?:[^"]|"")+"|\w+) ('(?:[^']|'')*')""")


def _options(wanted: SchemaObject, now: str, then: str) -> Step | None:
    """ALTER ... OPTIONS, when two definitions differ in nothing else."""
    if wanted.id.kind not in ("server", "foreign_data_wrapper", "user_mapping"):
        return None
    a, b = _OPTIONS.fullmatch(now), _OPTIONS.fullmatch(then)
    if not a or not b or a["head"] != b["head"]:
        return None
    have, want = dict(_OPTION.findall(a["options"] or "")), dict(_OPTION.findall(b["options"] or ""))
    parts = [f"DROP {k}" for k in have if k not in want]
    parts += [f"{'SET' if k in have else 'ADD'} {k} {v}" for k, v in want.items() if have.get(k) != v]
    return Step(BUILD, f"ALTER {noun(wanted.id)} OPTIONS ({', '.join(parts)})") if parts else None


def publication(now: SchemaObject | None, wanted: SchemaObject) -> list[Step] | None:
    """What a publication publishes set anew; None when FOR ALL TABLES comes or goes."""
    a, b = (now.properties if now else {}), wanted.properties
    if now and bool(a.get("all_tables")) != bool(b.get("all_tables")):
        return None
    steps = []
    if not b.get("all_tables") and (not now or any(a.get(k) != b.get(k) for k in ("tables", "schemas"))):
        contents = _contents(wanted, " SET ")
        if not contents:
            return None if now and (a.get("tables") or a.get("schemas")) else []
        steps.append(Step(FINISH, f"ALTER PUBLICATION {own(wanted.id)}{contents}"))
    if now and any(a.get(k) != b.get(k) for k in ("operations", "via_root", "generated_columns")):
        steps.append(Step(FINISH, f"ALTER PUBLICATION {own(wanted.id)} SET{_with(wanted, always=True)[5:]}"))
    return steps


def _contents(publication: SchemaObject, lead: str) -> str:
    p = publication.properties
    if p.get("all_tables"):
        return f"{lead}ALL TABLES"
    parts = []
    for entry in p.get("tables") or []:
        columns = f" ({', '.join(ident(c) for c in entry['columns'])})" if entry.get("columns") else ""
        where = f" WHERE ({entry['where']})" if entry.get("where") else ""
        parts.append(f"TABLE {entry['table']}{columns}{where}")
    parts += [f"TABLES IN SCHEMA {ident(s)}" for s in p.get("schemas") or []]
    return lead + ", ".join(parts) if parts else ""


def _with(publication: SchemaObject, *, always: bool = False) -> str:
    p = publication.properties
    parts = []
    operations = list(p.get("operations") or [])
    if always or sorted(operations) != ["delete", "insert", "truncate", "update"]:
        parts.append(f"publish = '{', '.join(operations)}'")
    if always or p.get("via_root"):
        parts.append(f"publish_via_partition_root = {'true' if p.get('via_root') else 'false'}")
    if p.get("generated_columns"):
        parts.append(f"publish_generated_columns = {p['generated_columns']}")
    return f" WITH ({', '.join(parts)})" if parts else ""
