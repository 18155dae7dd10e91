"""The application's queries, what a schema makes of each, and what a rollout changes about that."""

from __future__ import annotations

from dataclasses import dataclass

OLD_CODE = "old code, new schema"
NEW_CODE = "new code, old schema"


@dataclass(frozen=True, slots=True)
class Query:
    """One statement of the application. place: "queries/orders.sql:3" or "pg_stat_statements". calls: how often it ran,
    None when nobody counted."""

    text: str
    place: str
    calls: int | None = None

    @property
    def title(self) -> str:
        """Where it is from, and how often it runs."""
        if self.calls is None:
            return self.place
        return f"{self.place} ({self.calls:,} call{'' if self.calls == 1 else 's'})"


@dataclass(frozen=True, slots=True)
class Corpus:
    """Queries to prepare. left_out: (place, why) of what is none, or is not prepared."""

    queries: tuple[Query, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Shape:
    """What a schema makes of a query: its result columns and parameters by type, or the refusal."""

    columns: tuple[tuple[str, str], ...] = ()
    parameters: tuple[str, ...] = ()
    sqlstate: str = ""
    message: str = ""

    @property
    def ok(self) -> bool:
        return not self.sqlstate


@dataclass(frozen=True, slots=True)
class Moment:
    """A schema that others see during a rollout: after a transaction of a migration has committed. line, statement: the
    last one of it."""

    path: str
    line: int
    statement: int
    label: str


@dataclass(frozen=True, slots=True)
class Change:
    """One query, function or view, for which a moment changes something.

    rule: the rule that it falls under. what: in words. direction: which code meets which schema. until: the label of the
    moment from which it is well again, "" when it stays. proven: the server said so; False when it was read in a text.
    """

    rule: str
    moment: Moment
    subject: str
    text: str
    what: str
    direction: str = OLD_CODE
    sqlstate: str = ""
    before: Shape | None = None
    after: Shape | None = None
    until: str = ""
    proven: bool = True
    line: int = 0
    statement: int | None = None


@dataclass(frozen=True, slots=True)
class Compatibility:
    """What a rollout does to the queries. moments: the labels of the schemas on which they were prepared, "before" first.
    prepared: how many queries. broken_off: why later schemas were not looked at, or ""."""

    changes: tuple[Change, ...] = ()
    moments: tuple[str, ...] = ()
    prepared: int = 0
    left_out: tuple[tuple[str, str], ...] = ()
    broken_off: str = ""

    @property
    def line(self) -> str:
        """One line: how many queries on which schemas."""
        count = f"{self.prepared} quer{'y' if self.prepared == 1 else 'ies'}"
        schemas = ", ".join(self.moments)
        out = f"; {len(self.left_out)} left out" if self.left_out else ""
        return f"Application: {count} prepared on {len(self.moments)} schemas ({schemas}){out}."
