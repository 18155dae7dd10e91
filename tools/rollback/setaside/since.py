"""Rows written since that cannot satisfy what a rollback brings back: looked for before anything is changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ...schema.model import ObjectId, SchemaObject
from ...sql.quote import ident, literal, qualified
from ..notes import Note
from ..study import Study
from ..writes import key_of
from .instant import Parted, block


class Demand(NamedTuple):
    """What comes back and asks something of rows. source: the rows, in the old names, as `t`; unfit: a condition."""

    title: str
    source: str
    unfit: str
    key: tuple[str, ...]


def stopped(parts: Parted, study: Study, guard: str) -> Note:
    """The first statement of the rollback: it stops, before anything is changed, when a thing set aside is no longer
    there (guard), and when rows do not fit, which it names in its DETAIL. It reads the tables without keeping anybody
    waiting; being one statement, it leaves no script half done."""
    demands = list(_demands(parts, study))
    if not demands:
        return Note("What was set aside must still be there.", block(guard))
    lines = [guard]
    for title, source, unfit, key in demands:
        shown = f"concat_ws('/', {', '.join(f't.{ident(k)}' for k in key)})" if key else "'a row'"
        lines.append(
            f"  SELECT count(*), string_agg(x.key, ', ') FILTER (WHERE x.number <= 10) INTO unfit, keys\n"
            f"  FROM (SELECT {shown} AS key, row_number() OVER () AS number\n        FROM {source} AS t\n"
            f"        WHERE {unfit}) AS x;\n"
            f"  IF unfit > 0 THEN\n"
            f"    said := said || format('; %s of %s', unfit, {literal(title)});\n"
            f"    detail := detail || format('%s: %s. ', {literal(title)}, keys);\n"
            f"  END IF;"
        )
    lines.append(
        "  IF said <> '' THEN\n"
        "    RAISE EXCEPTION 'rows written since do not fit what comes back: %', substr(said, 3)\n"
        "      USING DETAIL = detail, HINT = 'Nothing was changed. Correct these rows, then run it again.';\n"
        "  END IF;"
    )
    declare = "DECLARE\n  unfit bigint;\n  keys text;\n  said text := '';\n  detail text := '';\n"
    return Note(
        "What was set aside must still be there, and rows written since must fit.", block("\n".join(lines), declare)
    )


def _demands(parts: Parted, study: Study) -> Iterator[Demand]:
    for column in parts.filled:
        table = ObjectId("table", column.schema, "", column.parent)
        if source := _rows(table, study):
            yield Demand(
                f"{column.schema}.{column.parent} without a value of {column.name}",
                source,
                f"t.{ident(column.name)} IS NULL",
                _key(table, study),
            )
    for constraint in parts.returning:
        table = ObjectId("table", constraint.id.schema, "", constraint.id.parent)
        source, unfit = _rows(table, study), _unfit(constraint, study)
        if source and unfit:
            title = f"{table.schema}.{table.name} against {constraint.id.name}"
            yield Demand(title, source, unfit, _key(table, study))


def _unfit(constraint: SchemaObject, study: Study) -> str:
    """A condition on `t` that only rows pass which break the constraint; "" when it cannot be told."""
    p = constraint.properties
    columns = [str(c) for c in p.get("columns") or ()]
    match p.get("type"):
        case "check":
            text = str(p["definition"]).removesuffix(" NO INHERIT")
            return f"NOT {text.removeprefix('CHECK ')}" if text.startswith("CHECK (") else ""
        case "foreign key":
            there = _named(str(p.get("references")), study)
            others = [_column(there, str(c), study) for c in p.get("referenced_columns") or ()] if there else []
            place = _now(there, study) if there else None
            if place is None or not others or None in others:
                return ""
            same = " AND ".join(f"r.{ident(str(o))} = t.{ident(c)}" for o, c in zip(others, columns, strict=True))
            known = " AND ".join(f"t.{ident(c)} IS NOT NULL" for c in columns)
            return f"{known} AND NOT EXISTS (SELECT FROM {qualified(place.schema, place.name)} AS r WHERE {same})"
        case "primary key" | "unique":
            source = _rows(ObjectId("table", constraint.id.schema, "", constraint.id.parent), study)
            ours = ", ".join(f"t.{ident(c)}" for c in columns)
            known = " AND ".join(f"o.{ident(c)} IS NOT NULL" for c in columns)
            theirs = ", ".join(f"o.{ident(c)}" for c in columns)
            again = (
                f"({ours}) IN (SELECT {theirs} FROM {source} AS o WHERE {known} GROUP BY {theirs} HAVING count(*) > 1)"
            )
            if p["type"] == "unique" and "NULLS NOT DISTINCT" in str(p["definition"]):
                same = " AND ".join(f"o.{ident(c)} IS NOT DISTINCT FROM t.{ident(c)}" for c in columns)
                twice = f"SELECT {theirs} FROM {source} AS o GROUP BY {theirs} HAVING count(*) > 1"
                return f"EXISTS (SELECT FROM ({twice}) AS o WHERE {same})"
            if p["type"] == "unique":
                return again
            return " OR ".join([*(f"t.{ident(c)} IS NULL" for c in columns), again])
    return ""


def _rows(table: ObjectId, study: Study) -> str:
    """The table as it is now, its columns in their old names; "" when it is not there."""
    place = _now(table, study)
    if place is None:
        return ""
    pairs = []
    for column in study.before.children(table, "column"):
        name = _column(table, column.id.name, study)
        if name is not None:
            pairs.append(f"{ident(name)} AS {ident(column.id.name)}" if name != column.id.name else ident(name))
    return f"(SELECT {', '.join(pairs)} FROM {qualified(place.schema, place.name)})"


def _key(table: ObjectId, study: Study) -> tuple[str, ...]:
    usable = {c.id.name for c in study.before.children(table, "column") if _column(table, c.id.name, study)}
    return key_of(study.before, table, usable)


def _now(table: ObjectId, study: Study) -> ObjectId | None:
    found = study.new.at(study.old.by_id.get(table))
    return found.id if found else None


def _column(table: ObjectId, name: str, study: Study) -> str | None:
    found = study.new.at(study.old.by_id.get(ObjectId("column", table.schema, table.name, name)))
    return found.id.name if found else None


def _named(title: str, study: Study) -> ObjectId | None:
    return next((t.id for t in study.before.of("table") if qualified(t.id.schema, t.id.name) == title), None)
