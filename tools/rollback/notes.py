"""Statements with their comments, and how what stays as it is gets noted."""

from __future__ import annotations

from typing import NamedTuple

from ..sql.quote import ident, literal, qualified
from .preimages import ARCHIVE, Kept


class Note(NamedTuple):
    """A statement, without semicolon, and the comment above it ("" for none)."""

    comment: str
    sql: str


def conflicts(kept: Kept, label: str, alias: str, why: str) -> str:
    """INSERT INTO agentdb_archive.conflicts with its SELECT list; the caller adds FROM. why: an SQL expression."""
    pairs = ", ".join(f"{literal(k)}, {alias}.{ident(k)}" for k in kept.key)
    table = literal(qualified(kept.table.schema, kept.table.name))
    return (
        f"INSERT INTO {ARCHIVE}.conflicts (migration, relation, key, why)\n"
        f"SELECT {label}, {table}, jsonb_build_object({pairs}), {why}"
    )


def told(label: str) -> Note:
    """A notice when rows were left as they are."""
    return Note(
        "",
        "DO $conflicts$\nDECLARE\n  found bigint;\nBEGIN\n"
        f"  SELECT count(*) INTO found FROM {ARCHIVE}.conflicts WHERE migration = {label} AND noticed_at = now();\n"
        "  IF found > 0 THEN\n"
        f"    RAISE NOTICE '% rows were left as they are: see {ARCHIVE}.conflicts', found;\n"
        "  END IF;\nEND $conflicts$",
    )
