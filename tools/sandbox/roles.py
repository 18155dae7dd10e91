"""Roles on a sandbox server: they belong to the whole server, so they are made bare, marked, and dropped again."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable
from typing import Any

from ...errors import AgentdbError
from ..sql import grammar
from ..sql.parse import Script
from ..sql.quote import ident, literal
from . import guard, processes

MARK = "agentdb sandbox"
Execute = Callable[..., list[tuple[Any, ...]]]


class Roles:
    """The roles that this process made on a sandbox server."""

    def __init__(self, execute: Execute) -> None:
        self._execute = execute
        self._made: set[str] = set()

    def ensure(self, name: str) -> bool:
        """True when the role was not there and has been made: without login, rights or password."""
        if self._execute("SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = %s", (name,)):
            return False
        with contextlib.suppress(AgentdbError):  # another process may make it at this very moment
            self._execute(f"CREATE ROLE {ident(name)}")
            self.adopt(name)
            return True
        return False

    def adopt(self, name: str) -> None:
        """Mark a role as this process's own, to be dropped at the end."""
        self._made.add(name)
        whose = f"{MARK} {processes.place()} {os.getpid()} {processes.started(os.getpid())}"
        self._execute(f"COMMENT ON ROLE {ident(name)} IS {literal(whose)}")

    def drop_made(self) -> None:
        """Drop them; one that another database still uses stays until its process is swept."""
        for name in tuple(self._made):
            with contextlib.suppress(AgentdbError):
                self._execute(f"DROP ROLE IF EXISTS {ident(name)}")
                self._made.discard(name)

    def sweep(self) -> tuple[str, ...]:
        """The roles that were dropped because the process that made them is gone."""
        swept = []
        rows = self._execute(
            "SELECT rolname, description FROM pg_catalog.pg_roles JOIN pg_catalog.pg_shdescription"
            " ON objoid = oid AND classoid = 'pg_catalog.pg_authid'::regclass WHERE description LIKE %s",
            (f"{MARK} {processes.place()} %",),
        )
        for name, whose in rows:
            pid, started = whose.split()[-2:]
            if processes.started(int(pid)) != started:
                with contextlib.suppress(AgentdbError):
                    self._execute(f"DROP ROLE IF EXISTS {ident(name)}")
                    swept.append(name)
        return tuple(swept)


def named_in(script: Script) -> tuple[str, ...]:
    """The roles that a script speaks of and does not create: owners, grantees, those of policies and SET ROLE."""
    made = {str(p.node.role) for p in script.statements if p.node_name == "create_role_stmt"}
    # in a block as well, perhaps as a part of a string
    made |= set(re.findall(r"create\s+(?:role|user|group)\s+\"?(\w+)", script.sql, re.IGNORECASE))
    found = []
    for parsed in script.statements:
        if parsed.node is None or guard.skipped(parsed):
            continue
        for _, message in grammar.walk(parsed.node):
            if message.DESCRIPTOR.name == "RoleSpec" and grammar.enum_name(message, "roletype") == "ROLESPEC_CSTRING":
                found.append(str(message.rolename))
    return tuple(dict.fromkeys(name for name in found if name not in made))
