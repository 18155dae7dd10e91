"""Names for what is set aside: unique, not longer than the server allows, and telling what the thing was."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from ...sql.quote import literal, qualified
from ..preimages import ARCHIVE

LONGEST = 63  # bytes. Source: manual, section 4.1.1 "Identifiers and Key Words" (NAMEDATALEN - 1)
COLUMN = "agentdb_dropped_"


@dataclass(frozen=True, slots=True)
class Aside:
    """A thing set aside. kind: "table" or "column". schema, table: where it was; was: its name then ("" for a table:
    the table's own), now: its name since, in schema agentdb_archive (a table) or in its table (a column)."""

    kind: str
    schema: str
    table: str
    was: str
    now: str

    @property
    def title(self) -> str:
        """public.orders, or public.orders.note."""
        return ".".join(filter(None, (self.schema, self.table, self.was if self.kind == "column" else "")))

    @property
    def place(self) -> str:
        """Where it is now, in words."""
        return f"{ARCHIVE}.{self.now}" if self.kind == "table" else f"{self.schema}.{self.table}.{self.now}"

    def record(self, label: str) -> str:
        """The statement that writes it down."""
        values = (label, self.kind, qualified(self.schema, self.table), self.was or self.table, self.now)
        return (
            f"INSERT INTO {ARCHIVE}.set_aside (migration, kind, relation, was, now)\n"
            f"VALUES ({', '.join(literal(v) for v in values)})"
        )


def unique(label: str, number: int, *path: str) -> str:
    """Eight letters that differ for each migration, statement and object."""
    return hashlib.sha256("\0".join((label, str(number), *path)).encode()).hexdigest()[:8]


def table_name(label: str, number: int, schema: str, name: str) -> str:
    """m014_orders_1a2b3c4d: for a table, and for what moves with it and shares its name space."""
    digits = re.match(r"\d+", label)
    head = f"m{digits[0]}_" if digits else "m_"
    return _fitted(head, name, unique(label, number, schema, name))


def column_name(label: str, number: int, schema: str, table: str, name: str) -> str:
    """agentdb_dropped_note_1a2b3c4d."""
    return _fitted(COLUMN, name, unique(label, number, schema, table, name))


def _fitted(head: str, name: str, tail: str) -> str:
    room = LONGEST - len(head.encode()) - 1 - len(tail)
    short = name.encode()[:room].decode(errors="ignore")
    return f"{head}{short}_{tail}"
