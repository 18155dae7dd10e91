"""A script as the steps in which it is carried out, refused when agentdb could not keep its word about it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import MigrationFileError, SqlSyntaxError
from ..records import Migration
from ..sql.parse import Parsed, parse
from .canonical import prefix_sha256

LEDGER = "agentdb"


@dataclass(frozen=True, slots=True)
class Work:
    """A script's steps. transactional: all of them in one transaction; else each by itself, with progress kept."""

    where: str
    steps: tuple[Parsed, ...]
    transactional: bool

    def texts(self, count: int | None = None) -> list[str]:
        return [s.statement.text for s in self.steps[:count]]

    def prefix(self, count: int) -> str:
        """The hash of the first `count` statements."""
        return prefix_sha256(self.texts(count))

    def place(self, index: int) -> str:
        """file:line of a statement."""
        return f"{self.where}:{self.steps[index].statement.span.line}"


def exact_sha256(text: str) -> str:
    """sha256 of the very characters that are carried out, trailing blanks and line endings with them."""
    return hashlib.sha256(text.encode()).hexdigest()


def work_of(migration: Migration) -> Work:
    """The steps of a migration. Errors: SqlSyntaxError, MigrationFileError."""
    return read(migration.sql, where=str(migration.path), no_transaction=migration.no_transaction)


def capture_of(sql: str, where: Path | str) -> Work:
    """The steps that keep rows before the migration changes them; all must be able to run in its transaction."""
    found = read(sql, where=str(where))
    if not found.transactional:
        raise MigrationFileError(
            "a capture script runs inside the migration's transaction, and this one cannot",
            where=str(where),
            hint="Take CONCURRENTLY and the like out of it.",
        )
    return found


def read(sql: str, *, where: str, no_transaction: bool = False) -> Work:
    """The steps of a script.

    A script runs in one transaction unless it says `-- agentdb: no-transaction`, or no statement in it could.
    Errors: SqlSyntaxError with file:line:column; MigrationFileError for a script that opens or ends transactions
    itself, mixes what must run outside with what must not, touches agentdb's own schema, waits for rows from the
    client, or would leave nobody able to tell what it did.
    """
    script = parse(sql)
    if script.problem:
        raise SqlSyntaxError(
            script.problem.message,
            where=f"{where}:{script.problem.line}:{script.problem.column}",
            hint="Mend the statement.",
        )
    if script.empty:
        raise MigrationFileError(
            "there is no statement in the file", where=where, hint="Write one, or delete the file."
        )
    for parsed in script.statements:
        _refuse_unfit(parsed, where)
    outside = [p for p in script.statements if p.statement.transactional is False]
    alone = len(outside) == len(script.statements)
    if outside and not (alone or no_transaction):
        first = outside[0].statement
        raise MigrationFileError(
            f"{first.kind} here cannot run inside a transaction, and other statements of the file would",
            where=f"{where}:{first.span.line}",
            hint="Put it in a migration of its own, or write `-- agentdb: no-transaction` at the top of the file.",
        )
    return Work(where, script.statements, not (no_transaction or alone))


def _refuse_unfit(parsed: Parsed, where: str) -> None:
    statement = parsed.statement
    at = f"{where}:{statement.span.line}"
    node: Any = parsed.node
    if statement.kind == "UNKNOWN":
        raise MigrationFileError(
            "agentdb does not know this statement and cannot answer for it", where=at, hint="Run it by other means."
        )
    if parsed.node_name == "transaction_stmt" and not _is_savepoint(node):
        word = statement.text.split()[0].upper()
        raise MigrationFileError(
            f"the file has its own {word}; agentdb opens and ends the transaction, together with its record of it",
            where=at,
            hint=f"Remove {word}. For statements outside a transaction write `-- agentdb: no-transaction` at the top.",
        )
    if parsed.node_name == "copy_stmt" and not node.filename and not node.is_program:
        raise MigrationFileError(
            "COPY with STDIN or STDOUT talks to a client, and a migration has none", where=at, hint="Use INSERT."
        )
    if parsed.node_name == "index_stmt" and node.concurrent and not node.idxname:
        raise MigrationFileError(
            "an index built CONCURRENTLY needs a name: after a crash nobody could tell which one it is",
            where=at,
            hint="CREATE INDEX CONCURRENTLY name ON ...",
        )
    touched = (*statement.creates, *statement.drops, *statement.changes)
    if any(name == LEDGER or name.startswith(f"{LEDGER}.") for name in touched):
        raise MigrationFileError(
            "the statement changes schema agentdb, which only agentdb itself may change",
            where=at,
            hint="Remove it.",
        )


def _is_savepoint(node: Any) -> bool:
    from ..sql.grammar import enum_name

    return enum_name(node, "kind") in ("TRANS_STMT_SAVEPOINT", "TRANS_STMT_RELEASE", "TRANS_STMT_ROLLBACK_TO")
