"""The error family: one class per cause, each with the exit code of the command that meets it.

Every error says what happened, where, and what to do next. The command line prints the three parts;
a traceback appears only with `--debug`.
"""

from __future__ import annotations


class AgentdbError(Exception):
    """Something that a person has to know: `what` happened, `where`, and the `hint` for what to do next."""

    exit_code = 3

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" if self.where else self.what


class UsageError(AgentdbError):
    """A command was called with something that it cannot use (a missing file, a directory instead of a file)."""

    exit_code = 2


class ConfigError(UsageError):
    """agentdb.toml, the environment or a flag holds a key or value that agentdb does not know."""


class MigrationFileError(UsageError):
    """A migration file cannot be read as a migration (name, encoding, size, NUL byte, nothing in it)."""


class SqlSyntaxError(AgentdbError):
    """PostgreSQL's own grammar rejects the SQL; `where` is file:line:column."""

    exit_code = 1


class DatabaseError(AgentdbError):
    """A database could not be reached, refused the login or failed a query."""


class StatementError(DatabaseError):
    """A statement of a migration failed on a target. `detail` is all that the server said of it: it may hold values of
    rows, so it is for the person's screen alone, never for a prompt, a log or a report."""

    def __init__(self, what: str, *, where: str = "", hint: str = "", detail: str = "") -> None:
        super().__init__(what, where=where, hint=hint)
        self.detail = detail


class SandboxError(AgentdbError):
    """The sandbox server or database could not be made, or the work in it failed."""


class RollbackError(AgentdbError):
    """A rollback could not be drafted or its proof did not hold."""


class RefusedError(AgentdbError):
    """The gate refuses: no valid approval, drifted, locked, expired. `reason` is a stable word for programs."""

    exit_code = 4

    def __init__(self, what: str, *, reason: str, where: str = "", hint: str = "") -> None:
        super().__init__(what, where=where, hint=hint)
        self.reason = reason


class VerificationError(AgentdbError):
    """The migration is applied, but what the target looks like now is not what was proven. `result` says what ran."""

    exit_code = 5
    result: object = None
