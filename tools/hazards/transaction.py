"""The state of the transaction around a statement: what it holds, what it has added, whether it is open at all."""

from __future__ import annotations

from dataclasses import dataclass, field

# Lock modes from weak to strong, by the names of the manual (chapter 13.3). SHARE and stronger stop writers.
MODES = (
    "ACCESS SHARE",
    "ROW SHARE",
    "ROW EXCLUSIVE",
    "SHARE UPDATE EXCLUSIVE",
    "SHARE",
    "SHARE ROW EXCLUSIVE",
    "EXCLUSIVE",
    "ACCESS EXCLUSIVE",
)
STRENGTH = {mode: rank for rank, mode in enumerate(MODES)}
BLOCKS_WRITES = STRENGTH["SHARE"]
BLOCKS_READS = STRENGTH["ACCESS EXCLUSIVE"]


@dataclass(slots=True, eq=False, repr=False)
class Held:
    """A lock that the transaction holds on a relation, and the line of the statement that took it."""

    relation: str
    mode: str
    line: int


@dataclass(slots=True, eq=False, repr=False)
class Transaction:
    """The transaction that the next statement runs in.

    wrapped: the runner opened it around the whole script. explicit: a BEGIN of the script did, at line `began`.
    held: locks of SHARE and stronger on tables that were there before, by relation.
    unvalidated: (table, constraint) -> line of the statement that added it NOT VALID.
    enum_values: type -> values added. altered: relation -> line of its first ACCESS EXCLUSIVE lock; last_altered:
    relation -> line of its last ALTER TABLE, also of earlier transactions. lock_timeout: one is set for the statements
    that follow; local_timeout: until the transaction ends; told_timeout: its lack was reported. dropped: relation -> constraints that
    the script dropped so far, and dropped_indexes.
    """

    wrapped: bool = False
    explicit: bool = False
    began: int = 0
    held: dict[str, Held] = field(default_factory=dict)
    unvalidated: dict[tuple[str, str], int] = field(default_factory=dict)
    enum_values: dict[str, dict[str, int]] = field(default_factory=dict)
    altered: dict[str, int] = field(default_factory=dict)
    lock_timeout: bool = False
    statement_timeout: bool = False
    local_timeout: bool = False
    told_timeout: bool = False
    dropped: dict[str, set[str]] = field(default_factory=dict)
    dropped_indexes: set[str] = field(default_factory=set)
    last_altered: dict[str, int] = field(default_factory=dict)

    @property
    def open(self) -> bool:
        """Whether the next statement runs in a transaction block."""
        return self.wrapped or self.explicit

    def hold(self, relation: str, mode: str, line: int) -> None:
        """Remember a lock; only the strongest on a relation counts."""
        if STRENGTH[mode] < BLOCKS_WRITES:
            return
        old = self.held.get(relation)
        if old is None or STRENGTH[mode] > STRENGTH[old.mode]:
            self.held[relation] = Held(relation, mode, line)

    def end(self) -> None:
        """Forget what the transaction held: it was committed or rolled back."""
        self.wrapped = self.explicit = False
        self.forget()

    def forget(self) -> None:
        """Forget what a finished statement or transaction held."""
        self.held.clear()
        self.unvalidated.clear()
        self.enum_values.clear()
        self.altered.clear()
        if self.local_timeout:
            self.lock_timeout = self.local_timeout = False
