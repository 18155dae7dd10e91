"""The questions of data integrity: which rules of a database rows may break, and the SQL that counts such rows.

Names are put in by the driver as identifiers. Conditions and index expressions are the server's own text, asked
for under a search_path that makes it write every name in full; one that calls code of the database's users is not run,
since whoever asks may be a superuser.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..sql.quote import ident, qualified
from .reading import Reader
from .result import Advice


@dataclass(frozen=True, slots=True)
class Question:
    """One count. `sql` gives a single column "count"; None when it is not asked, then `obstacle` says why.

    broken: what the number counts. limited: counting stops at the row limit.
    """

    kind: str
    object: str
    fine: str
    broken: str
    sql: Any = None
    obstacle: str = ""
    limited: bool = True
    when_fine: tuple[Advice, ...] = ()
    when_broken: tuple[Advice, ...] = ()


def questions() -> dict[str, Callable[[Reader, bool, int], list[Question]]]:
    """Finders of questions by kind, in the order of a report."""
    return {
        "orphans": orphans,
        "violators": violators,
        "duplicates": duplicates,
        "sequence-behind": sequences_behind,
    }


def orphans(reader: Reader, everything: bool, row_limit: int) -> list[Question]:
    """Rows whose foreign key points nowhere, for keys that the server does not vouch for."""
    return [_orphans(r, row_limit) for r in reader.rows("integrity_foreign_keys", {"everything": everything})]


def _orphans(row: dict[str, Any], row_limit: int) -> Question:
    from psycopg import sql

    table = qualified(row["schema"], row["table"])
    name = f"{table}.{row['constraint']}"
    why = (
        "NOT ENFORCED"
        if not row["enforced"]
        else "triggers off"
        if row["triggers_off"]
        else ""
        if row["validated"]
        else "NOT VALID"
    )
    shared: dict[str, Any] = {
        "kind": "orphans",
        "object": f"{name} ({why})" if why else name,
        "fine": "every row has its parent",
        "broken": f"rows that point to no row of {qualified(row['referenced_schema'], row['referenced_table'])}",
    }
    if row["period"]:
        return Question(**shared, obstacle="keys over periods are not counted")
    child = [sql.SQL("c.{}").format(sql.Identifier(c)) for c in row["columns"]]
    match = sql.SQL(" AND ").join(
        sql.SQL("p.{} OPERATOR({}.{}) {}").format(
            sql.Identifier(parent), sql.Identifier(schema), sql.SQL(operator), column
        )
        for parent, schema, operator, column in zip(
            row["referenced_columns"], row["operator_schemas"], row["operators"], child, strict=True
        )
    )
    whole = sql.SQL(" AND ").join(sql.SQL("{} IS NOT NULL").format(c) for c in child)
    some = sql.SQL(" OR ").join(sql.SQL("{} IS NOT NULL").format(c) for c in child)
    lonely = sql.SQL(
        "FROM {child} c WHERE ({applies}) AND NOT (({whole}) AND EXISTS (SELECT FROM {parent} p WHERE {match}))"
    ).format(
        child=sql.Identifier(row["schema"], row["table"]),
        parent=sql.Identifier(row["referenced_schema"], row["referenced_table"]),
        applies=some if row["match_full"] else whole,
        whole=whole,
        match=match,
    )
    validate = f"ALTER TABLE {table} VALIDATE CONSTRAINT {ident(row['constraint'])};"
    return Question(
        **shared,
        sql=_count(lonely, row_limit),
        when_fine=(Advice("It can be validated.", validate),) if row["enforced"] and not row["validated"] else (),
        when_broken=(
            Advice(
                "Decide for each such row: give it a parent, set the key to NULL, or delete it.",
                sql.SQL("SELECT c.* {} LIMIT 100;").format(lonely).as_string(None),
            ),
        ),
    )


def violators(reader: Reader, everything: bool, row_limit: int) -> list[Question]:
    """Rows for which a CHECK or NOT NULL that was never validated is false (null is not false)."""
    return [_violators(r, row_limit) for r in reader.rows("integrity_checks")]


def _violators(row: dict[str, Any], row_limit: int) -> Question:
    from psycopg import sql

    table = qualified(row["schema"], row["table"])
    shared: dict[str, Any] = {
        "kind": "violators",
        "object": f"{table}.{row['constraint']} ({'NOT VALID' if row['enforced'] else 'NOT ENFORCED'})",
        "fine": "no row breaks it",
        "broken": f"rows with NULL in {ident(row['column'])}" if row["column"] else "rows that break it",
    }
    if row["foreign_code"]:
        return Question(**shared, obstacle=f"not asked, its condition calls {', '.join(row['foreign_code'])}")
    breaks = (
        sql.SQL("{} IS NULL").format(sql.Identifier(row["column"]))
        if row["column"]
        else sql.SQL("NOT ({})").format(sql.SQL(row["condition"]))
    )
    text = _count(
        sql.SQL("FROM {table} WHERE {breaks}").format(table=sql.Identifier(row["schema"], row["table"]), breaks=breaks),
        row_limit,
    )
    validate = f"ALTER TABLE {table} VALIDATE CONSTRAINT {ident(row['constraint'])};"
    return Question(
        **shared, sql=text, when_fine=(Advice("It can be validated.", validate),) if row["enforced"] else ()
    )


def duplicates(reader: Reader, everything: bool, row_limit: int) -> list[Question]:
    """Keys that occur more than once although an invalid unique index was meant to forbid it."""
    return [_duplicates(r, row_limit) for r in reader.rows("integrity_unique_indexes")]


def _duplicates(row: dict[str, Any], row_limit: int) -> Question:
    from psycopg import sql

    name = qualified(row["schema"], row["index"])
    shared: dict[str, Any] = {
        "kind": "duplicates",
        "object": f"{name} (INVALID)",
        "fine": "no duplicates, it can be built again",
        "broken": "keys that occur more than once and block the index",
    }
    if row["foreign_code"]:
        return Question(**shared, obstacle=f"not asked, it calls {', '.join(row['foreign_code'])}")
    parts = [
        sql.SQL(f"({part}){f' COLLATE {collation}' if collation else ''}")
        for part, collation in zip(row["parts"], row["collations"], strict=True)
    ]
    conditions = [sql.SQL("({})").format(sql.SQL(row["condition"]))] if row["condition"] else []
    if not row["nulls_count"]:
        conditions += [sql.SQL("{} IS NOT NULL").format(p) for p in parts]
    twice = sql.SQL("FROM {table} {where} GROUP BY {keys} HAVING count(*) > 1").format(
        table=sql.Identifier(row["schema"], row["table"]),
        where=sql.SQL("WHERE {}").format(sql.SQL(" AND ").join(conditions)) if conditions else sql.SQL(""),
        keys=sql.SQL(", ").join(parts),
    )
    return Question(
        **shared,
        sql=_count(twice, row_limit),
        when_fine=(Advice("Build it again.", f"REINDEX INDEX CONCURRENTLY {name};"),),
        when_broken=(
            Advice("Merge or delete the duplicates first, then build it again.", f"REINDEX INDEX CONCURRENTLY {name};"),
        ),
    )


def sequences_behind(reader: Reader, everything: bool, row_limit: int) -> list[Question]:
    """Sequences whose next value is already in the column: the next insert fails. Often after a COPY or a restore."""
    return [_behind(r) for r in reader.rows("integrity_sequences")]


def _behind(row: dict[str, Any]) -> Question:
    from psycopg import sql

    name = qualified(row["schema"], row["sequence"])
    table, column = qualified(row["table_schema"], row["table"]), ident(row["column"])
    shared: dict[str, Any] = {
        "kind": "sequence-behind",
        "object": f"{name} for {table}.{column}",
        "fine": "ahead of the column",
        "broken": "behind the column, inserts fail or collide; values missing",
        "limited": False,
    }
    if not row["readable"]:
        return Question(**shared, obstacle="the role may not read the sequence")
    up = row["step"] > 0
    beyond = sql.SQL("max({c}) - {next}::bigint" if up else "{next}::bigint - min({c})").format(
        c=sql.Identifier(row["column"]), next=sql.Literal(row["next_value"])
    )
    text = sql.SQL("SELECT greatest(0, {beyond} + 1)::bigint AS count FROM {table}").format(
        beyond=beyond, table=sql.Identifier(row["table_schema"], row["table"])
    )
    limit = "max" if up else "min"
    return Question(
        **shared,
        sql=text,
        when_broken=(
            Advice("Set it to the column's last value.", f"SELECT setval('{name}', {limit}({column})) FROM {table};"),
        ),
    )


def _count(found: Any, row_limit: int) -> Any:
    """SQL that counts the rows of "FROM ...", and stops at the limit."""
    from psycopg import sql

    return sql.SQL("SELECT count(*) AS count FROM (SELECT {} LIMIT {}) found").format(found, sql.Literal(row_limit))
