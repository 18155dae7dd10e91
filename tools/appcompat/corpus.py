"""The application's queries: from a folder of .sql files, or from a target's pg_stat_statements."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import UsageError
from ..databases.reading import Reader, reason
from ..sandbox import guard
from ..sql import grammar
from ..sql.effects import dotted
from ..sql.parse import Parsed, parse
from .model import Corpus, Query

if TYPE_CHECKING:
    from ..databases.dsn import Dsn
    from ..databases.postgres import Connection

FROM_TARGET = "pg_stat_statements"
MOST = 500  # queries of a target, the most frequent ones
QUERIES = ("select_stmt", "insert_stmt", "update_stmt", "delete_stmt", "merge_stmt")
OURS = ("agentdb.", "agentdb_archive.", "pg_catalog.", "information_schema.", "pg_")


def from_folder(folder: Path, *, root: Path | None = None) -> Corpus:
    """The queries of a folder's .sql files, in order of their names. Errors: UsageError when it is no folder."""
    if not folder.is_dir():
        raise UsageError("--queries is not a folder", where=str(folder), hint="Name a folder of .sql files.")
    found: list[Query] = []
    left_out: list[tuple[str, str]] = []
    for path in sorted(folder.rglob("*.sql")):
        shown = str(path.relative_to(root)) if root and path.is_relative_to(root) else str(path)
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            left_out.append((shown, f"it cannot be read: {type(error).__name__}"))
            continue
        if "\0" in text:
            left_out.append((shown, "it holds a NUL byte"))
            continue
        _take(text, shown, None, found, left_out)
    return Corpus(tuple(found), tuple(left_out))


def from_target(conn: Connection, *, most: int = MOST) -> Corpus:
    """The queries that a target ran most often, when it counts them and the login may see; nothing is run there.
    Errors: psycopg.Error."""
    reader = Reader(conn)
    place = reader.rows("health_extension_schema", {"name": FROM_TARGET})
    if not place:
        return Corpus()
    path = f"pg_catalog, {place[0]['schema']}, pg_temp"
    own = frozenset(row["name"] for row in reader.rows("appcompat_own_functions"))
    found: list[Query] = []
    for row in reader.rows("appcompat_statements", {"most": most}, search_path=path):
        _take(row["query"], FROM_TARGET, int(row["calls"]), found, None, own)
    return Corpus(tuple(found))


def gather(folder: Path | None, target: Dsn | None, *, root: Path | None = None) -> tuple[Corpus | None, str]:
    """(the queries of a folder and those that a target counts, what is to be said of the target or ""); None when there
    are none and no folder was named. Errors: UsageError when it is no folder; DatabaseError when the target is not there."""
    import psycopg

    from ..databases.postgres import connect

    parts = [from_folder(folder, root=root)] if folder is not None else []
    problem = ""
    if target is not None:
        read_only = {"default_transaction_read_only": "on"}
        with connect(target, application_name="agentdb queries", options=read_only) as conn:
            try:
                parts.append(from_target(conn))
            except psycopg.Error as error:
                problem = f"pg_stat_statements of the target cannot be read: {reason(error)}"
    found = together(parts)
    return (found if folder is not None or found.queries else None), problem


def together(parts: Iterable[Corpus]) -> Corpus:
    """Several corpora as one, each text once; a file's place stays before the target's."""
    found: dict[str, Query] = {}
    left_out: list[tuple[str, str]] = []
    for part in parts:
        left_out += part.left_out
        for query in part.queries:
            key = " ".join(query.text.split())
            known = found.setdefault(key, query)
            if known.calls is None and query.calls is not None:
                found[key] = Query(known.text, known.place, query.calls)
    return Corpus(tuple(found.values()), tuple(left_out))


def _take(
    text: str,
    place: str,
    calls: int | None,
    found: list[Query],
    left_out: list[tuple[str, str]] | None,
    own: frozenset[str] | None = None,
) -> None:
    """Add the queries of a text; what is left out of a file is told, of a target it is nobody's fault."""
    script = parse(text)
    refused = {r.index: r.why for r in guard.refusals(script)}
    for parsed in script.statements:
        where = place if calls is not None else f"{place}:{parsed.statement.span.line}"
        why = _unfit(parsed) or refused.get(parsed.statement.index, "")
        if not why and _of_the_server_alone(parsed, own):
            why = "it reads the server's own tables alone"
        if not why:
            found.append(Query(parsed.statement.text, where, calls))
        elif left_out is not None:
            left_out.append((where, why))


def _unfit(parsed: Parsed) -> str:
    if parsed.node is None:
        return "PostgreSQL does not understand it; write placeholders as $1, $2"
    if parsed.node_name not in QUERIES or (parsed.node_name == "select_stmt" and parsed.node.HasField("into_clause")):
        return f"{parsed.statement.kind} is no query"
    return ""


def _of_the_server_alone(parsed: Parsed, own: frozenset[str] | None) -> bool:
    """Whether it names nothing but the server's own tables and functions, or agentdb's. own: the names of other functions,
    None when they are not known."""
    relations = (*parsed.statement.reads, *parsed.statement.changes)
    functions = [dotted(m.funcname) for _, m in grammar.walk(parsed.node) if m.DESCRIPTOR.name == "FuncCall"]
    if own is not None:
        functions = [f for f in functions if f.rpartition(".")[2] in own]
    return all(name.startswith(OURS) for name in (*relations, *functions))
