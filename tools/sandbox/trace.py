"""What a statement really did, told by the server while its transaction is still open.

Three sources, no table of rules: the session's own rows of pg_locks, its transaction's counters of scans and written
rows, and the messages that the server sends at client_min_messages = debug1 ("rewriting table", "verifying table",
"building index", "validating foreign key constraint"). Files of relations show rewrites that no message names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from ..databases.queries import load
from ..sql.quote import qualified
from .runs import Build, Lock

if TYPE_CHECKING:
    from psycopg.errors import Diagnostic

    from ..databases.postgres import Connection

# pg_class.relkind (manual, system catalog pg_class)
KINDS = {
    "r": "table",
    "p": "partitioned table",
    "i": "index",
    "I": "partitioned index",
    "S": "sequence",
    "v": "view",
    "m": "materialized view",
    "c": "composite type",
    "f": "foreign table",
    "t": "TOAST table",
}
STORED = ("r", "m")
HOLDING = ("r", "p", "m", "f")  # what has rows that go with it

# Source: src/backend/commands/tablecmds.c and catalog/index.c of PostgreSQL 14 to 18
_REWRITING = re.compile(r'rewriting table "(.+)"')
_VERIFYING = re.compile(r'verifying table "(.+)"')
_BUILDING = re.compile(r'building index "(.+)" on table "(.+?)" (?:serially|with request for)')
_VALIDATING = re.compile(r'validating foreign key constraint "(.+)"')
_PROVEN = re.compile(r"existing constraints on column .* are sufficient|is implied by existing constraints")


class Relation(NamedTuple):
    """A relation as it was when last looked at."""

    schema: str
    name: str
    kind: str
    file: int

    @property
    def title(self) -> str:
        return qualified(self.schema, self.name)


class Reference(NamedTuple):
    """A foreign key. acts: deleting a parent's row writes the child's rows (CASCADE, SET NULL), not only reads them."""

    child: int
    parent: int
    acts: bool


@dataclass(frozen=True, slots=True)
class Work:
    """What one statement did; the fields are those of runs.StatementRun."""

    locks: tuple[Lock, ...] = ()
    rewrites: tuple[str, ...] = ()
    scans: tuple[str, ...] = ()
    index_builds: tuple[Build, ...] = ()
    written: tuple[tuple[str, int, int, int], ...] = ()
    held: tuple[Lock, ...] = ()
    dropped: tuple[str, ...] = ()
    modes: dict[int, str] = field(default_factory=dict)  # relation that existed before -> strongest mode held
    changed: tuple[int, ...] = ()  # tables that existed before, with rows that the transaction updated or deleted


class Messages:
    """The notices of one statement, sorted into what the server says of its work and what is meant for people."""

    def __init__(self) -> None:
        self.debug: list[str] = []
        self.people: list[str] = []

    def __call__(self, notice: Diagnostic) -> None:
        text = notice.message_primary or ""
        severity = notice.severity_nonlocalized or notice.severity or ""
        if severity.startswith("DEBUG"):
            self.debug.append(text)
            if _PROVEN.search(text):
                self.people.append(f"proven: {text}")
        else:
            detail = f" ({notice.message_detail})" if notice.message_detail else ""
            self.people.append(f"{severity}: {text}{detail}")

    def take(self) -> tuple[list[str], tuple[str, ...]]:
        """What has come since the last time: (debug messages, notices for people)."""
        debug, people = self.debug, tuple(self.people)
        self.debug, self.people = [], []
        return debug, people


class Tracer:
    """Follows one session through a migration. `connection` is the migration's own."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        rows = connection.execute(load("postgres", "sandbox_relations").encode()).fetchall()
        self.before = {row[0]: Relation(*row[1:]) for row in rows}
        found = connection.execute(load("postgres", "sandbox_references").encode()).fetchall()
        self.references = tuple(Reference(*row) for row in found)
        self._known = dict(self.before)
        self._gone: set[int] = set()
        self._held: set[tuple[int, str]] = set()
        self._counted: dict[int, tuple[int, int, int, int]] = {}

    def transaction_begins(self) -> None:
        """Forget the locks and counters of the transaction before; call it outside of one."""
        self._held, self._counted = set(), {}
        if self.connection.info.server_version >= 150000:
            # counters of finished transactions stay with the session for up to a second
            self.connection.execute("SELECT pg_catalog.pg_stat_force_next_flush()")

    def work(self, debug: Iterable[str], text: str) -> Work:
        """What the statement just run did. Its transaction must be open and sound."""
        rows = self.connection.execute(load("postgres", "sandbox_own_locks").encode()).fetchall()
        locks: list[Lock] = []
        held: dict[int, Lock] = {}
        scans: list[str] = []
        written = []
        changed: set[int] = set()
        seen: dict[int, Relation] = {}
        dropped: list[str] = []
        for oid, modes, schema, name, kind, file, *counters in rows:
            now = Relation(schema, name, kind, file) if name is not None else None
            old = self._known.get(oid)
            shown = self.before.get(oid) or old or now
            if shown is None or shown.schema == "pg_toast":
                continue
            if now is not None:
                seen[oid] = now
            elif oid in self.before and oid not in self._gone:
                self._gone.add(oid)
                dropped += [shown.title] if shown.kind in HOLDING else []
            for mode in modes:
                lock = Lock(shown.title, plain_mode(mode), oid in self.before, KINDS.get(shown.kind, shown.kind))
                if (oid, mode) not in self._held:
                    self._held.add((oid, mode))
                    locks.append(lock)
                if lock.existed_before and (oid not in held or held[oid].rank < lock.rank):
                    held[oid] = lock
            was = self._counted.get(oid, (0, 0, 0, 0))
            count = tuple(a - b for a, b in zip(counters, was, strict=True))
            self._counted[oid] = tuple(counters)
            if count[0] > 0 and oid in self.before and shown.kind in STORED:
                scans.append(shown.title)
            if any(count[1:]):
                written.append((shown.title, *count[1:]))
            if now and old and now.file != old.file and now.kind in STORED and oid in self.before:
                changed.add(oid)
        names = _Names(self.before, self._known | seen, {row[0] for row in rows})
        self._known |= seen
        rewrites, more, builds = self._told(debug, names)
        if re.match(r"truncate\b", text, re.IGNORECASE):
            scans, more, builds = [], [], []  # of the new, empty file
        elif not re.search(r"\btruncate\b", text, re.IGNORECASE):
            rewrites += [self.before[oid].title for oid in sorted(changed)]
        locks.sort(key=_order)
        return Work(
            locks=tuple(locks),
            rewrites=_once(rewrites),
            scans=_once(scans + more),
            index_builds=tuple(builds),
            written=tuple(sorted(written)),
            held=tuple(sorted(held.values(), key=_order)),
            dropped=_once(sorted(dropped)),
            modes={oid: lock.mode for oid, lock in held.items()},
            changed=tuple(o for o, count in self._counted.items() if o in self.before and (count[2] or count[3])),
        )

    def changed_since(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """(tables whose file is another than when last looked at, tables that are gone), for what ran outside of a
        transaction."""
        rows = self.connection.execute(load("postgres", "sandbox_relations").encode()).fetchall()
        found = [
            self.before[oid].title
            for oid, _, _, kind, file in rows
            if oid in self.before and kind in STORED and self._known[oid].file != file
        ]
        self._known |= {row[0]: Relation(*row[1:]) for row in rows}
        gone = self.before.keys() - {row[0] for row in rows} - self._gone
        self._gone |= gone
        return _once(found), _once(sorted(self.before[o].title for o in gone if self.before[o].kind in HOLDING))

    def builds_told(self, debug: Iterable[str], tables: Iterable[int]) -> tuple[Build, ...]:
        """The index builds that messages name, for what ran outside of a transaction on these tables."""
        return tuple(self._told(debug, _Names(self.before, self._known, set(tables)))[2])

    def _told(self, debug: Iterable[str], names: _Names) -> tuple[list[str], list[str], list[Build]]:
        rewrites: list[str] = []
        scans: list[str] = []
        builds: list[Build] = []
        for text in debug:
            if found := _REWRITING.fullmatch(text):
                rewrites += names.old(found[1])
                scans += names.old(found[1])
            elif found := _VERIFYING.fullmatch(text):
                scans += names.old(found[1])
            elif found := _BUILDING.match(text):
                tables = names.old(found[2])
                if tables or not found[2].startswith("pg_toast_"):
                    builds.append(Build(found[1], (tables or names.new(found[2]))[0], bool(tables)))
            elif found := _VALIDATING.fullmatch(text):
                rows = self.connection.execute(
                    "SELECT conrelid::bigint FROM pg_catalog.pg_constraint WHERE contype = 'f' AND conname = %s",
                    (found[1],),
                ).fetchall()
                scans += [self.before[oid].title for (oid,) in rows if oid in self.before and oid in names.touched]
        return rewrites, scans, builds


@dataclass(frozen=True, slots=True)
class _Names:
    """From a bare name in a message to the tables meant: those that the statement touched."""

    before: dict[int, Relation]
    now: dict[int, Relation]
    touched: set[int]

    def old(self, name: str) -> list[str]:
        """The titles of the touched relations of that name that existed before the migration."""
        found = []
        for oid in sorted(self.touched):
            relation = self.before.get(oid)
            if relation and name in (relation.name, self.now.get(oid, relation).name) and relation.kind not in "iIt":
                found.append(relation.title)
        return found

    def new(self, name: str) -> list[str]:
        """The title of a relation that was not there before; the bare name where it is gone again."""
        found = [r.title for oid in sorted(self.touched) if (r := self.now.get(oid)) and r.name == name]
        return found or [name]


def plain_mode(mode: str) -> str:
    """A lock mode as the manual writes it: "AccessExclusiveLock" is "ACCESS EXCLUSIVE"."""
    return re.sub(r"(?<!^)(?=[A-Z])", " ", mode.removesuffix("Lock")).upper()


def _order(lock: Lock) -> tuple[bool, int, str]:
    return (not lock.existed_before, -lock.rank, lock.relation)


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
