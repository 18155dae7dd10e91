"""What a check is told about the world around the script."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..schema.model import Snapshot
    from ..sql.parse import Script


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Context:
    """The world around a script.

    pg_version: major version of the target. in_transaction: the runner wraps the script in one transaction.
    before: the schema that the script finds, if it was read. setup: scripts that built that schema, in order;
    schema_complete: they are all there is. table_rows: rows of the target's tables by "table" or "schema.table".
    time_zone: of the session that will run the script ("" when not known). lock_timeout_set: the runner sets one.
    splits: the runner takes statements that cannot stand in a transaction out of it, as agentdb apply does.
    severity: rule id -> "info", "warning", "error" or "off". enabled: ids of rules to switch on ("all": every one).
    today: the day on which ignores expire.
    """

    pg_version: int = 18
    in_transaction: bool = True
    before: Snapshot | None = None
    setup: tuple[Script, ...] = ()
    schema_complete: bool = False
    table_rows: Mapping[str, int] = field(default_factory=dict)
    time_zone: str = "UTC"
    lock_timeout_set: bool = False
    splits: bool = False
    severity: Mapping[str, str] = field(default_factory=dict)
    enabled: tuple[str, ...] = ()
    today: date | None = None
