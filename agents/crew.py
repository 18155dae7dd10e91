"""The five agents in the order in which they work and are read."""

from __future__ import annotations

from .agent import Agent
from .documenter import DOCUMENTER
from .monitor import MONITOR
from .resolver import RESOLVER
from .rollback import ROLLBACK
from .validator import VALIDATOR

CREW: dict[str, Agent] = {a.name: a for a in (RESOLVER, VALIDATOR, ROLLBACK, DOCUMENTER, MONITOR)}
