"""A drafted rollback put so that it holds its locks for a moment only, whatever the size of the tables.

Constraints come back NOT VALID, which checks new rows at once, and are validated afterwards under a lock that lets
reads and writes go on; a NOT NULL comes back by way of a validated check, which spares the scan; unique indexes are
built CONCURRENTLY. Rows written since that cannot satisfy them are looked for before anything is changed.
Sources: manual, ALTER TABLE ("Notes": SET NOT NULL, VALIDATE CONSTRAINT, USING INDEX), CREATE INDEX ("Building
Indexes Concurrently").
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ...schema.model import ObjectId, SchemaObject, Snapshot
from ...sql import grammar
from ...sql.parse import parse
from ...sql.quote import ident, literal
from ..notes import Note
from .names import Aside, unique

# Statements that a block may hold as they are; all others are executed as texts. Source: manual, section 41.5.
_PLAIN = re.compile(r"(ALTER|CREATE|DROP|COMMENT|GRANT|REVOKE|INSERT|UPDATE|DELETE)\b", re.IGNORECASE)


@dataclass(slots=True)
class Parted:
    """A rollback in two parts: what is done at once, in one transaction, and what is validated or built after it.

    returning: constraints of before that rows written since have to satisfy; filled: columns that must not be NULL.
    """

    first: list[Note] = field(default_factory=list)
    later: list[Note] = field(default_factory=list)
    returning: list[SchemaObject] = field(default_factory=list)
    filled: list[ObjectId] = field(default_factory=list)


def parted(steps: Sequence[Note], before: Snapshot, label: str) -> Parted:
    """The steps of a rollback, long work on rows taken apart from what changes the catalog."""
    found = Parted()
    delayed: list[str] = []
    for step in steps:
        parsed = parse(step.sql).statements
        node: Any = parsed[0].node if len(parsed) == 1 else None
        name = parsed[0].node_name if parsed else ""
        if delayed and any(re.search(rf"(?<!\w){re.escape(ident(x))}(?!\w)", step.sql) for x in delayed):
            found.later.append(step)  # what hangs on an index that is not there yet
        elif (
            name == "alter_table_stmt"
            and len(node.cmds) == 1
            and _constrains(found, delayed, step, node, before, label)
        ):
            continue
        elif name == "index_stmt" and not node.concurrent and _is_plain_table(node.relation, before):
            delayed.append(str(node.idxname))
            found.later.append(Note("", _concurrently(step.sql)))
        else:
            found.first.append(step)
    return found


def _constrains(found: Parted, delayed: list[str], step: Note, node: Any, before: Snapshot, label: str) -> bool:
    """Whether the statement brings back a constraint, which is noted apart then."""
    command = node.cmds[0].alter_table_cmd
    kind = grammar.enum_name(command, "subtype")
    table = ObjectId("table", node.relation.schemaname, "", node.relation.relname)
    title = step.sql[: step.sql.index(ident(table.name)) + len(ident(table.name))]
    if kind == "AT_SetNotNull":
        _not_null(found, step, table, command.name, title, label)
        return True
    if kind != "AT_AddConstraint" or not _is_plain_table(node.relation, before):
        return False
    constraint = getattr(command, "def").constraint
    contype = grammar.enum_name(constraint, "contype")
    if contype == "CONSTR_NOTNULL" and not constraint.skip_validation:
        _not_null(found, step, table, constraint.keys[0].string.sval, title, label)
        return True
    wanted = before.objects.get(ObjectId("constraint", table.schema, table.name, constraint.conname))
    if wanted is None or constraint.skip_validation or "NOT ENFORCED" in step.sql:
        return False
    if contype in ("CONSTR_CHECK", "CONSTR_FOREIGN"):
        found.first.append(Note(step.comment, f"{step.sql} NOT VALID"))
        found.later.append(Note("", f"{title} VALIDATE CONSTRAINT {ident(constraint.conname)}"))
        found.returning.append(wanted)
        return True
    index = before.objects.get(ObjectId("index", table.schema, table.name, constraint.conname))
    if contype in ("CONSTR_UNIQUE", "CONSTR_PRIMARY") and index is not None:
        word = "PRIMARY KEY" if contype == "CONSTR_PRIMARY" else "UNIQUE"
        tail = "".join(re.findall(r"( DEFERRABLE(?: INITIALLY DEFERRED)?)$", step.sql))
        found.later.append(Note("", _concurrently(str(index.properties["definition"]))))
        found.later.append(
            Note(
                "",
                f"{title} ADD CONSTRAINT {ident(constraint.conname)} {word} USING INDEX {ident(constraint.conname)}{tail}",
            )
        )
        delayed.append(constraint.conname)
        found.returning.append(wanted)
        return True
    return False


def _not_null(found: Parted, step: Note, table: ObjectId, column: str, title: str, label: str) -> None:
    name = ident(f"agentdb_filled_{unique(label, 0, table.schema, table.name, column)}")
    check = f"{title} ADD CONSTRAINT {name} CHECK ({ident(column)} IS NOT NULL) NOT VALID"
    found.first.append(Note(step.comment, check))
    after = (f"{title} VALIDATE CONSTRAINT {name}", step.sql, f"{title} DROP CONSTRAINT {name}")
    found.later[:0] = [Note("", sql) for sql in after]
    found.filled.append(ObjectId("column", table.schema, table.name, column))


def _is_plain_table(relation: Any, before: Snapshot) -> bool:
    obj = before.objects.get(ObjectId("table", relation.schemaname, "", relation.relname))
    return obj is not None and not obj.properties.get("partition_key") and not obj.properties.get("partition_of")


def _concurrently(create_index: str) -> str:
    return re.sub(r"^(CREATE (?:UNIQUE )?INDEX) ", r"\1 CONCURRENTLY ", create_index, count=1)


def guard(asides: Sequence[Aside]) -> str:
    """The body of a block that stops the rollback when a thing set aside is no longer there."""
    lines = []
    for aside in asides:
        if aside.kind == "table":
            gone = f"to_regclass({literal('agentdb_archive.' + ident(aside.now))}) IS NULL"
        else:
            gone = (
                f"NOT EXISTS (SELECT FROM pg_attribute WHERE attname = {literal(aside.now)}"
                " AND NOT attisdropped AND attnum > 0)"
            )
        what = f"{aside.kind} {aside.title} is no longer there to come back: it was purged".replace("%", "%%")
        lines.append(f"  IF {gone} THEN\n    RAISE EXCEPTION {literal(what)};\n  END IF;")
    return "\n".join(lines)


def at_once(steps: Sequence[Note]) -> Note:
    """The steps as one statement, so that they are one transaction for whoever runs the script."""
    lines = []
    for step in steps:
        lines += [f"  -- {line}" for line in step.comment.splitlines() if line]
        sql = step.sql if _PLAIN.match(step.sql) else f"EXECUTE {literal(step.sql)}"
        lines.append(f"  {sql};")  # to the letter: it may hold a function's body
    return Note("All at once: only the catalog changes.", block("\n".join(lines)))


def block(body: str, declare: str = "") -> str:
    """A DO statement with a quote that does not stand in it."""
    tag = "$agentdb$"
    while tag in body:
        tag = tag[:-1] + "_$"
    return f"DO {tag}\n{declare}BEGIN\n{body}\nEND {tag}"
