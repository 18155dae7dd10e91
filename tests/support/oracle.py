"""What a database holds, asked by other means than the proof's: pg_dump for the schema, whole rows as text.

Only what is documented not to count is left out: the order of columns, generated names of NOT NULL constraints, the
schema that holds copies, and positions of sequences that go on counting.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from agentdb.tools.sandbox import software
from agentdb.tools.sandbox.databases import SandboxDatabase

OURS = ("agentdb", "agentdb_archive")
_ENTRY = re.compile(r"^--\n-- Name: (?P<name>.*); Type: (?P<type>[A-Z ]+); Schema: .*\n--\n", re.MULTILINE)
Row = tuple[str | None, ...]


@dataclass(frozen=True)
class Contents:
    """schema: pg_dump's entries; rows: table -> columns by name and rows as text over them, each with its count."""

    schema: Counter[str]
    columns: dict[str, tuple[str, ...]]
    rows: dict[str, Counter[Row]]
    others: dict[str, Any] = field(default_factory=dict)

    def projected(self, table: str, columns: tuple[str, ...]) -> Counter[Row]:
        places = [self.columns[table].index(c) for c in columns]
        found: Counter[Row] = Counter()
        for row, count in self.rows[table].items():
            found[tuple(row[p] for p in places)] += count
        return found


def contents(database: SandboxDatabase) -> Contents:
    """Everything that the database holds."""
    with database.connect() as conn:
        columns, rows = rows_of(conn)
        others = {
            "large objects": conn.execute(
                "SELECT m.oid, (SELECT string_agg(encode(data, 'hex'), '' ORDER BY pageno) FROM pg_largeobject AS o"
                " WHERE o.loid = m.oid) FROM pg_largeobject_metadata AS m ORDER BY 1"
            ).fetchall(),
            "settings": conn.execute(
                "SELECT s.setconfig FROM pg_db_role_setting AS s JOIN pg_database AS d ON d.oid = s.setdatabase"
                " WHERE d.datname = current_database()"
            ).fetchall(),
            "sequences": dict(
                conn.execute(
                    "SELECT format('%%I.%%I', schemaname, sequencename), coalesce(last_value, 0) FROM pg_sequences"
                    " WHERE NOT schemaname = ANY (%s)",
                    (list(OURS),),
                ).fetchall()
            ),
        }
    return Contents(schema(database), columns, rows, others)


def schema(database: SandboxDatabase) -> Counter[str]:
    """pg_dump's statements, one entry for each object, the lines of a table's body in sorted order."""
    program = software.packaged() / "pginstall" / "bin" / "pg_dump"
    given = conninfo_to_dict(database.dsn.reveal())
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE"}
    done = subprocess.run(
        [program, "--schema-only", "--no-password", *(f"--exclude-schema={s}" for s in OURS)],
        env={**os.environ, **{names[k]: str(v) for k, v in given.items() if k in names}},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    parts = _ENTRY.split(done.stdout)
    entries: Counter[str] = Counter()
    for name, type, body in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        entries[f"{type} {name}\n{_canonical(type.strip(), body)}"] += 1
    return entries


def _canonical(type: str, body: str) -> str:
    lines = [
        line.rstrip(" ,")
        for line in body.splitlines()
        if line.strip() and not line.startswith(("--", "SET default_t", "\\"))
    ]
    if type in ("TABLE", "FOREIGN TABLE"):
        lines = sorted(re.sub(r"CONSTRAINT \S+ NOT NULL|CONSTRAINT \"[^\"]+\" NOT NULL", "NOT NULL", x) for x in lines)
    return "\n".join(lines)


def rows_of(conn: psycopg.Connection[Any]) -> tuple[dict[str, tuple[str, ...]], dict[str, Counter[Row]]]:
    """Every table's own rows (partitions by themselves), as text, over its columns in order of name."""
    listed = conn.execute(
        "SELECT format('%%I.%%I', n.nspname, c.relname), c.relkind::text,"
        " coalesce((SELECT array_agg(quote_ident(a.attname) ORDER BY a.attname) FROM pg_attribute AS a"
        "  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '{}')"
        " FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.relkind = 'r'"
        " AND n.nspname NOT LIKE 'pg\\_%%' AND n.nspname NOT IN ('information_schema', %s, %s) ORDER BY 1",
        OURS,
    ).fetchall()
    columns, rows = {}, {}
    for title, _, names in listed:
        columns[title] = tuple(names)
        cells = ", ".join(f"{n}::text" for n in names)
        found = conn.execute(f"SELECT {cells} FROM ONLY {title}".encode()).fetchall()
        rows[title] = Counter(tuple(r) for r in found)
    return columns, rows


def differences(before: Contents, now: Contents, spared: dict[str, tuple[str, ...]] | None = None) -> list[str]:
    """What is not as it was. spared: tables whose rows may differ: in the columns named, or at all when none is."""
    spared = spared or {}
    said = [f"schema, gone: {e}" for e in (before.schema - now.schema)]
    said += [f"schema, there: {e}" for e in (now.schema - before.schema)]
    if said:
        return said
    for table, old in before.rows.items():
        if table in spared and not spared[table]:
            continue
        kept = tuple(c for c in before.columns[table] if c not in spared.get(table, ()))
        a, b = before.projected(table, kept), now.projected(table, kept)
        if a != b:
            said.append(f"rows of {table}: gone {list((a - b).elements())[:3]}, there {list((b - a).elements())[:3]}")
        elif not spared and old != now.rows[table]:
            said.append(f"rows of {table} differ")
    for what, named in (("large objects", "pg_catalog.pg_largeobject"), ("settings", "pg_catalog.pg_db_role_setting")):
        if before.others[what] != now.others[what] and named not in spared:
            said.append(f"{what}: {before.others[what]} before, {now.others[what]} now")
    for name, position in before.others["sequences"].items():
        if now.others["sequences"].get(name, 0) < position and name not in spared:
            said.append(f"{name} stands at {now.others['sequences'].get(name)}, before {position}")
    return said
