"""What every command needs to know about the project it runs in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..config import Settings, TargetSettings, load_settings
from ..errors import ConfigError
from ..tools.databases.dsn import Dsn, dsn_from_environment
from ..tools.files import Layout


@dataclass(frozen=True, slots=True)
class Target:
    """A target with its settings; `dsn` is read from the environment when it is asked for."""

    name: str
    settings: TargetSettings

    @property
    def dsn(self) -> Dsn:
        if self.settings.engine != "postgresql":
            raise ConfigError(
                f"target '{self.name}' is {self.settings.engine}; this version of agentdb carries PostgreSQL only",
                hint='Set engine = "postgresql", or leave this target out.',
            )
        return dsn_from_environment(self.settings.dsn_env, os.environ)


@dataclass(frozen=True, slots=True)
class ProjectContext:
    """Settings, folders and targets of a project."""

    settings: Settings
    layout: Layout

    def target(self, name: str | None = None) -> Target:
        """A target by name, or the only one. Errors: ConfigError."""
        return Target(*self.settings.target(name))

    def optional_target(self, name: str | None = None) -> Target | None:
        """The target asked for; without a name the only one whose variable is set, else None."""
        if name is not None:
            return self.target(name)
        ready = [n for n, t in self.settings.targets.items() if os.environ.get(t.dsn_env, "").strip()]
        return self.target(ready[0]) if len(ready) == 1 else None

    def sandbox_dsn(self) -> Dsn | None:
        """The user's own sandbox server, if one is configured."""
        name = self.settings.sandbox.server_dsn_env
        return dsn_from_environment(name, os.environ) if name else None

    def all_target_dsns(self) -> tuple[Dsn, ...]:
        """Every target whose variable is set: what the sandbox must never be."""
        return tuple(Dsn(os.environ[t.dsn_env]) for t in self.settings.targets.values() if os.environ.get(t.dsn_env))


def open_project(start: Path | None = None, overrides: Mapping[str, Any] | None = None) -> ProjectContext:
    """The project in a folder (default: the working directory). Errors: ConfigError."""
    settings = load_settings(start, overrides=overrides)
    layout = Layout(settings.root, settings.migrations.directory, settings.docs.directory)
    return ProjectContext(settings, layout)
