"""The checks: each one decorated function in a file of its own in checks/, found by looking into that folder."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from ...errors import ConfigError
from .reading import Reader, Server
from .result import Outcome


@dataclass(frozen=True, slots=True)
class Limit:
    """A threshold of a check: its default, what it means with its unit, and where the number comes from."""

    default: float
    meaning: str
    source: str


@dataclass(frozen=True, slots=True)
class Ask:
    """What a check gets: the reader, its limits, who answers, and the ledger's rows when the caller has them."""

    query: str
    reader: Reader
    server: Server
    limits: Mapping[str, float]
    ledger_rows: Sequence[Any] | None = None

    def rows(self, **values: Any) -> list[dict[str, Any]]:
        """The rows of this check's own query; the limits are parameters too. Errors: psycopg.Error."""
        return self.reader.rows(self.query, {**self.limits, **values})


@dataclass(frozen=True, slots=True)
class Check:
    """A question to a live database. `source`: where the facts behind it are documented."""

    id: str
    title: str
    question: str
    source: str
    limits: Mapping[str, Limit]
    function: Callable[[Ask], Outcome] = field(repr=False)

    @property
    def query(self) -> str:
        """The name of its SQL file."""
        return f"health_{self.id.replace('-', '_')}"


_CHECKS: dict[str, Check] = {}


def check(
    id: str, *, title: str, question: str, source: str, limits: Mapping[str, Limit] | None = None
) -> Callable[[Callable[[Ask], Outcome]], Callable[[Ask], Outcome]]:
    """Declare a function as the check `id` (kebab case, as its file and its SQL with underscores)."""

    def declared(function: Callable[[Ask], Outcome]) -> Callable[[Ask], Outcome]:
        if id in _CHECKS:
            raise ValueError(f"two checks are called {id}")
        _CHECKS[id] = Check(id, title, question, source, dict(limits or {}), function)
        return function

    return declared


@cache
def checks() -> tuple[Check, ...]:
    """Every check, sorted by id."""
    from . import checks as folder

    for module in pkgutil.iter_modules(folder.__path__):
        importlib.import_module(f"{folder.__name__}.{module.name}")
    return tuple(_CHECKS[k] for k in sorted(_CHECKS))


def chosen(only: Sequence[str] = ()) -> tuple[Check, ...]:
    """The checks with these ids, all without any. Errors: ConfigError for an id that does not exist."""
    known = {c.id: c for c in checks()}
    for name in only:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            raise ConfigError(
                f"there is no health check '{name}'" + (f"; did you mean '{near[0]}'?" if near else ""),
                hint=f"Checks: {', '.join(known)}.",
            )
    return tuple(known[n] for n in dict.fromkeys(only)) if only else checks()


def limits_of(entry: Check, given: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """The check's thresholds, those given by the caller before the defaults."""
    return {k: float(given.get(entry.id, {}).get(k, limit.default)) for k, limit in entry.limits.items()}


def refuse_unknown_limits(given: Mapping[str, Mapping[str, float]]) -> None:
    """Errors: ConfigError when a threshold names a check or a limit that does not exist."""
    for name, values in given.items():
        (entry,) = chosen([name])
        for key in values:
            if key not in entry.limits:
                known = ", ".join(entry.limits) or "none"
                raise ConfigError(f"the health check '{name}' has no limit '{key}'", hint=f"Its limits: {known}.")
