"""What a migration may not do in the sandbox: reach out of its database into the server, its files or the network.

Two answers. *Refused*: the script is not run and the verdict is unknown. *Skipped*: the statement concerns the whole
server (roles, memberships, database settings); the run goes on without it and says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..sql import grammar
from ..sql.parse import Parsed, Script

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Refusal:
    """A statement that the sandbox does not run, where it stands, and why."""

    index: int
    line: int
    why: str


# Statement nodes that change the server, or reach out of it.
SERVER_WIDE = {
    "alter_system_stmt": "ALTER SYSTEM changes the whole server",
    "createdb_stmt": "CREATE DATABASE concerns the whole server",
    "dropdb_stmt": "DROP DATABASE concerns the whole server",
    "create_table_space_stmt": "CREATE TABLESPACE writes to the server's file system",
    "drop_table_space_stmt": "DROP TABLESPACE concerns the whole server",
    "alter_table_space_options_stmt": "ALTER TABLESPACE concerns the whole server",
    "load_stmt": "LOAD brings a library into the server",
    "import_foreign_schema_stmt": "IMPORT FOREIGN SCHEMA connects to another server",
}

# Functions that read or write files of the server, open connections, or disturb other sessions. As a superuser's
# session runs them, they would work. Source: manual 9.28 "System Administration Functions", 33.4 "Server-Side
# Functions" (large objects), F.11 dblink.
REACHING_OUT = re.compile(
    r"""dblink\w* | pg_read_file | pg_read_binary_file | pg_stat_file | pg_ls_\w+ | pg_file_\w+ | lo_import | lo_export
    | pg_reload_conf | pg_rotate_logfile\w* | pg_promote | pg_switch_wal | pg_backup_start | pg_backup_stop
    | pg_create_(?:physical|logical)_replication_slot""",
    re.VERBOSE,
)
OTHERS_SESSIONS = re.compile(r"pg_terminate_backend|pg_cancel_backend")
IN_BODY = re.compile(
    rf"\b(?:{REACHING_OUT.pattern})\s*\(|\bcopy\b[^;]*\b(?:to|from)\s+(?:program\b|'|\$)|\balter\s+system\b"
    r"|\b(?:create|drop)\s+(?:database|tablespace|subscription)\b",
    re.VERBOSE | re.IGNORECASE,
)
CONNECTING_EXTENSIONS = {"dblink", "file_fdw", "adminpack"}

# Statement nodes about things that belong to the whole server; harmless to leave out.
ABOUT_THE_SERVER = {
    "alter_role_stmt": "roles belong to the whole server",
    "alter_role_set_stmt": "roles belong to the whole server",
    "drop_role_stmt": "roles belong to the whole server",
    "grant_role_stmt": "memberships of roles belong to the whole server",
    "alter_database_stmt": "the sandbox's database has another name",
    "alter_database_set_stmt": "the sandbox's database has another name",
    "alter_database_refresh_coll_stmt": "the sandbox's database has another name",
    "create_user_mapping_stmt": "logins for other servers are not made in the sandbox",
    "alter_user_mapping_stmt": "logins for other servers are not made in the sandbox",
    "drop_user_mapping_stmt": "logins for other servers are not made in the sandbox",
}
OF_THE_SERVER = {
    "OBJECT_DATABASE": "the sandbox's database has another name",
    "OBJECT_ROLE": "roles belong to the whole server",
    "OBJECT_TABLESPACE": "tablespaces belong to the whole server",
    "OBJECT_PARAMETER_ACL": "rights on settings belong to the whole server",
}


def refusals(script: Script) -> tuple[Refusal, ...]:
    """The statements for which the whole script is not run, in order; none for most scripts."""
    return tuple(
        Refusal(p.statement.index, p.statement.span.line, why) for p in script.statements if (why := _refused(p))
    )


def skipped(parsed: Parsed) -> str:
    """Why the statement is left out of a run, or ""."""
    if parsed.node is None:
        return ""
    if why := ABOUT_THE_SERVER.get(parsed.node_name):
        return why
    for field in ("objtype", "object_type", "rename_type"):
        if parsed.node_name in _NAMING_A_KIND and field in parsed.node.DESCRIPTOR.fields_by_name:
            return OF_THE_SERVER.get(grammar.enum_name(parsed.node, field), "")
    return ""


_NAMING_A_KIND = {"grant_stmt", "comment_stmt", "sec_label_stmt", "rename_stmt", "alter_owner_stmt"}


def _refused(parsed: Parsed) -> str:
    name, node, text = parsed.node_name, parsed.node, parsed.statement.text
    if node is None:
        return (
            "the statement cannot be read and names a file, a program or another server" if IN_BODY.search(text) else ""
        )
    if why := SERVER_WIDE.get(name):
        return why
    if name == "copy_stmt":
        return _copy(node)
    if name == "create_subscription_stmt":
        return "CREATE SUBSCRIPTION connects to another server"
    if name == "create_extension_stmt" and node.extname in CONNECTING_EXTENSIONS:
        return f"the extension {node.extname} reaches files or other servers"
    if name == "do_stmt" and (found := IN_BODY.search(text) or OTHERS_SESSIONS.search(text)):
        return f"the block uses {_word(found.group())}, which reaches out of the sandbox"
    if name == "create_function_stmt":
        if _language(node) == "c":
            return "a function in C brings a library into the server"
        if found := IN_BODY.search(text):
            return f"the function uses {_word(found.group())}, which reaches out of the sandbox"
    for called in _functions(node):
        if REACHING_OUT.fullmatch(called) or OTHERS_SESSIONS.fullmatch(called):
            return f"{called}() reaches out of the sandbox"
    return ""


def _copy(node: Any) -> str:
    if node.is_program:
        return "COPY ... PROGRAM runs a program on the server"
    if node.filename:
        return "COPY with a file name reads or writes a file of the server"
    if node.is_from:
        return "COPY FROM STDIN needs data that a migration file cannot carry to the server; use INSERT"
    return "COPY TO STDOUT sends rows to the client; a migration has no use for it"


def _language(node: Any) -> str:
    for option in node.options:
        if option.def_elem.defname == "language":
            return str(option.def_elem.arg.string.sval).lower()
    return ""


def _functions(node: Any) -> Iterator[str]:
    for _, message in grammar.walk(node):
        if message.DESCRIPTOR.name == "FuncCall" and message.funcname:
            yield str(message.funcname[-1].string.sval).lower()


def _word(text: str) -> str:
    return " ".join(text.replace("(", " ").split())[:40]


def psql_command(script: Script) -> tuple[int, str] | None:
    """The line and name of psql's own command (\\copy, \\i, \\set) in a script that the grammar rejects, or None."""
    if script.problem is None or "\\" not in script.problem.message:
        return None
    lines = script.sql.splitlines()
    text = lines[script.problem.line - 1][script.problem.column - 1 :] if script.problem.line <= len(lines) else ""
    found = re.match(r"\\\S*", text)
    return (script.problem.line, found.group()) if found else None
