"""What a run is given and a checkpoint never holds: settings, folders, the target, the model, the clock, the sandbox."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..agents.model import Model
from ..config import Settings, TargetSettings
from ..tools.databases.dsn import Dsn
from ..tools.files import Layout

if TYPE_CHECKING:
    from ..tools.databases.postgres import Connection
    from ..tools.ledger.plan import Policy
    from .workbench import Workbench


@dataclass(frozen=True, slots=True)
class Target:
    """A database that migrations go to. The connection string stays opaque until a connection is opened."""

    name: str
    settings: TargetSettings
    dsn: Dsn

    @property
    def environment(self) -> str:
        return self.settings.environment

    def connect(self) -> Connection:
        """A connection that can only read, for looking. Errors: DatabaseError."""
        from ..tools.databases.postgres import connect

        return connect(
            self.dsn,
            application_name="agentdb crew",
            options={"default_transaction_read_only": "on", "statement_timeout": "60s", "lock_timeout": "2s"},
        )


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Context:
    """The runtime context of the graph. allowed_signers: the list of people who may approve. who: the login that a
    line in the ledger names."""

    settings: Settings
    layout: Layout
    workbench: Workbench
    allowed_signers: Path
    who: str
    target: Target | None = None
    model: Model | None = None
    clock: Callable[[], datetime] = field(default=now)

    def policy(self) -> Policy:
        """Which environments need an approval."""
        from ..tools.ledger.plan import Policy

        return Policy({str(k): v for k, v in self.settings.approval.required.items()})
