"""Settings of a project: agentdb.toml, the environment and flags, in that order of rising precedence.

Unknown keys are errors that name the nearest right key. Secrets are named by environment variable only.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from .errors import ConfigError

FILE_NAME = "agentdb.toml"

SeverityName = Literal["info", "warning", "error"]
Environment = Literal["dev", "staging", "prod"]
Duration = str  # a PostgreSQL interval setting such as "2s", "500ms", "15min"


class Section(BaseModel):
    """A section of agentdb.toml: frozen, and closed to keys that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class ProjectSettings(Section):
    """[project]: what people call it."""

    name: str = ""


class TargetSettings(Section):
    """[targets.<name>]: a database that migrations go to. The connection string is in the variable `dsn_env`."""

    engine: Literal["postgresql", "mysql", "mariadb", "sqlite", "sqlserver"] = "postgresql"
    dsn_env: str
    environment: Environment = "prod"
    lock_timeout: Duration = "2s"
    statement_timeout: Duration = "15min"
    lock_retries: int = Field(default=5, ge=0, le=100)
    data_checks: bool = False
    data_timeout: Duration = "10s"


class MigrationsSettings(Section):
    """[migrations]: where the files lie. Folder layout "agentdb" is pending/, applied/, rollback/, archived/."""

    directory: str = "migrations"
    layout: Literal["agentdb"] = "agentdb"


class SandboxSettings(Section):
    """[sandbox]: the throw-away server. Without `server_dsn_env` agentdb starts its own PostgreSQL."""

    server_dsn_env: str = ""
    rows: int = Field(default=12, ge=0, le=100_000)
    statement_timeout: Duration = "60s"


class HazardsSettings(Section):
    """[hazards]: from which severity a check fails, the severity of single rules, where the application's queries are."""

    fail_on: Literal["info", "warning", "error", "never"] = "error"
    pg_version: int | None = Field(default=None, ge=13, le=18)
    severity: dict[str, SeverityName | Literal["off"]] = Field(default_factory=dict)
    queries: str = ""


class ApprovalSettings(Section):
    """[approval]: who may say yes, for how long it holds, and which environments need it.

    An environment that `required` does not name needs an approval.
    """

    required: dict[Environment, bool] = Field(default_factory=dict)
    ttl_minutes: int = Field(default=240, ge=1, le=60 * 24 * 30)
    allowed_signers: str = ".agentdb/allowed_signers"
    key: str = ".agentdb/approval_key"


class ModelSettings(Section):
    """[model]: any OpenAI-compatible server. `name = "off"` works without one."""

    name: str = ""
    base_url: str = ""
    api_key_env: str = "OPENAI_API_KEY"
    timeout_seconds: float = Field(default=60, gt=0, le=600)
    temperature: float = Field(default=0, ge=0, le=2)
    max_tokens: int = Field(default=1200, ge=64, le=32_000)
    send_row_data: bool = False
    draft_rollbacks: bool = False


class RollbackSettings(Section):
    """[rollback]: how much a migration may copy before it runs, and how long copies and things set aside are kept.

    After `keep_days` they are shown as due; nothing is ever deleted without an approval.
    """

    max_copy: str = "1GB"
    keep_days: int = Field(default=30, ge=0, le=36_500)

    @field_validator("max_copy")
    @classmethod
    def _is_a_size(cls, text: str) -> str:
        size_in_bytes(text)
        return text

    @property
    def max_copy_bytes(self) -> int:
        """`max_copy` in bytes."""
        return size_in_bytes(self.max_copy)


class DocsSettings(Section):
    """[docs]: where the schema's documentation is written."""

    directory: str = "docs/database"


class HealthSettings(Section):
    """[health]: from which status `agentdb health` fails, and thresholds by check and name."""

    fail_on: Literal["warn", "bad", "never"] = "bad"
    limits: dict[str, dict[str, float]] = Field(default_factory=dict)


class GraphSettings(Section):
    """[graph]: where conversations and runs are kept: SQLite in .agentdb/, or PostgreSQL by `checkpoint_dsn_env`."""

    checkpoint_dsn_env: str = ""


class Settings(Section):
    """All settings of a project. `root` is the folder that holds agentdb.toml (or where the command ran)."""

    root: Path = Path(".")
    file: Path | None = None
    project: ProjectSettings = ProjectSettings()
    targets: dict[str, TargetSettings] = Field(default_factory=dict)
    migrations: MigrationsSettings = MigrationsSettings()
    sandbox: SandboxSettings = SandboxSettings()
    hazards: HazardsSettings = HazardsSettings()
    approval: ApprovalSettings = ApprovalSettings()
    model: ModelSettings = ModelSettings()
    rollback: RollbackSettings = RollbackSettings()
    docs: DocsSettings = DocsSettings()
    health: HealthSettings = HealthSettings()
    graph: GraphSettings = GraphSettings()

    def target(self, name: str | None = None) -> tuple[str, TargetSettings]:
        """A target by name; without a name the only one there is. Errors: ConfigError."""
        if name is None:
            if len(self.targets) == 1:
                return next(iter(self.targets.items()))
            known = ", ".join(sorted(self.targets)) or "none"
            raise ConfigError(
                f"which target? {FILE_NAME} names {known}",
                where=str(self.file or self.root / FILE_NAME),
                hint="Say --target NAME." if self.targets else f"Add [targets.prod] with dsn_env to {FILE_NAME}.",
            )
        if name not in self.targets:
            raise ConfigError(
                f"there is no target '{name}'{nearest(name, list(self.targets))}",
                where=str(self.file or self.root / FILE_NAME),
                hint=f"Targets: {', '.join(sorted(self.targets)) or 'none'}.",
            )
        return name, self.targets[name]


def size_in_bytes(text: str) -> int:
    """ "500MB" or "1.5 GB" in bytes; units as PostgreSQL has them: B, kB, MB, GB, TB of 1024. Errors: ValueError."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(B|kB|MB|GB|TB)", text.strip(), re.IGNORECASE)
    if match is None:
        raise ValueError(f"'{text}' is no size: write 500MB or 1GB")
    return int(float(match[1]) * 1024 ** ("b", "kb", "mb", "gb", "tb").index(match[2].lower()))


def nearest(word: str, known: list[str]) -> str:
    """'; did you mean X?' with the closest known word, or nothing."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"; did you mean '{close[0]}'?" if close else ""


def find_file(start: Path) -> Path | None:
    """agentdb.toml in `start` or the nearest folder above it."""
    for folder in (start, *start.parents):
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
    return None


def load_settings(
    start: Path | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
    file: Path | None = None,
) -> Settings:
    """The settings that hold in a folder.

    overrides: dotted keys from flags, such as {"hazards.fail_on": "warning"}; None values are left out.
    Environment: AGENTDB_MODEL, OPENAI_BASE_URL, AGENTDB_FAIL_ON, AGENTDB_SANDBOX_DSN (names a variable's use, not a key).
    Errors: ConfigError with file, key and the nearest right key.
    """
    environ = os.environ if environ is None else environ
    start = (start or Path.cwd()).resolve()
    path = file.resolve() if file else find_file(start)
    data: dict[str, Any] = {}
    if path:
        try:
            data = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ConfigError("there is no such file", where=str(path), hint="Check --config.") from None
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"cannot be read: {error}", where=str(path)) from None
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"is not valid TOML: {error}", where=str(path), hint="Mend the line named.") from None
    for reserved in ("root", "file"):
        if reserved in data:
            raise ConfigError(f"unknown key '{reserved}'", where=str(path), hint="Remove it.")
    for key, variable in (
        ("model.name", "AGENTDB_MODEL"),
        ("model.base_url", "OPENAI_BASE_URL"),
        ("hazards.fail_on", "AGENTDB_FAIL_ON"),
    ):
        if environ.get(variable):
            _put(data, key, environ[variable])
    if environ.get("AGENTDB_SANDBOX_DSN"):
        _put(data, "sandbox.server_dsn_env", "AGENTDB_SANDBOX_DSN")
    for key, value in (overrides or {}).items():
        if value is not None:
            _put(data, key, value)
    data["root"] = path.parent if path else start
    data["file"] = path
    try:
        return Settings.model_validate(data)
    except ValidationError as error:
        raise _readable(error, path) from None


def _put(data: dict[str, Any], dotted: str, value: Any) -> None:
    *sections, last = dotted.split(".")
    for section in sections:
        data = data.setdefault(section, {})
    data[last] = value


def _readable(error: ValidationError, path: Path | None) -> ConfigError:
    """The first problem that pydantic found, as one line with the nearest right key."""
    first = next((e for e in error.errors() if e["type"] == "extra_forbidden"), error.errors()[0])
    location = [str(p) for p in first["loc"]]
    key = ".".join(location)
    where = str(path) if path else "settings"
    if first["type"] == "extra_forbidden":
        known = _keys_of(location[:-1])
        return ConfigError(
            f"unknown key '{key}'{nearest(location[-1], known)}", where=where, hint=f"Keys here: {', '.join(known)}."
        )
    if first["type"] == "missing":
        return ConfigError(f"'{key}' is missing", where=where, hint="Add it.")
    return ConfigError(f"'{key}': {first['msg'][:1].lower()}{first['msg'][1:]}", where=where, hint="Mend the value.")


def _keys_of(sections: list[str]) -> list[str]:
    """The keys that a section knows, by the path of its name ("targets", "prod")."""
    model: Any = Settings
    for section in sections:
        if isinstance(model, type) and issubclass(model, BaseModel) and section in model.model_fields:
            annotation = model.model_fields[section].annotation
            inner = get_args(annotation)
            model = inner[1] if inner and getattr(annotation, "__origin__", None) is dict else annotation
    if isinstance(model, type) and issubclass(model, BaseModel):
        return sorted(k for k in model.model_fields if not (model is Settings and k in ("root", "file")))
    return []
