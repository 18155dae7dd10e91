"""The words of an assessment: frozen records, JSON-plain inside."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from ..records import Certificate, Migration

if TYPE_CHECKING:
    from ...errors import AgentdbError
    from ..ledger.history import HistoryRow
    from ..ledger.plan import Plan


class Standing(StrEnum):
    """How a migration stands on the target. NOTHING: it was interrupted, and its transaction took everything back."""

    APPLIED = "applied"
    HALF = "half applied"
    NOTHING = "nothing of it is there"
    BACK = "taken back already"
    PENDING = "not applied"
    LIVE = "under way"


@dataclass(frozen=True, slots=True)
class Ran:
    """What ran, by the ledger. when: ISO 8601 in UTC. seconds: of the whole migration. changed: which of its files are
    not what they were when it ran. line: how it stands, in words; catalog: what the database shows of a half one."""

    label: str
    standing: Standing
    when: str
    who: str
    approver: str
    seconds: float | None
    statements_done: int
    statements: int
    history_id: int
    plan_sha256: str
    line: str = ""
    catalog: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Dependent:
    """A later migration that is applied and builds on one that is to be taken back. because: in words."""

    label: str
    on: str
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Moved:
    """Whether the schema is the one that the rollback was proven for.

    moved: it is another one than the newest of the migrations left; None when that was not noted. by_hand: it is
    another one than the ledger's last work left, so somebody changed it. later: migrations applied since, which stay.
    differences: in words, object by object, from what the ledger's last work left to now; None when they cannot be
    told. compared: with what, in words.
    """

    moved: bool | None
    by_hand: bool | None
    expected: str
    actual: str
    later: tuple[str, ...] = ()
    differences: tuple[str, ...] | None = ()
    compared: str = ""


@dataclass(frozen=True, slots=True)
class Goes:
    """Something that the rollback removes, with how many rows or values it holds now. rows: None when unknown, why."""

    label: str
    what: str
    name: str
    rows: int | None
    why: str = ""

    @property
    def line(self) -> str:
        unit = "row" if self.what == "table" else "value"
        if self.rows is None:
            return f"{self.what} {self.name}: UNKNOWN how many {unit}s ({self.why})"
        return f"{self.what} {self.name}: {self.rows:,} {unit}{'' if self.rows == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class Since:
    """Rows of a table that stays which were inserted or updated after the migrations; they stay. rows: None when
    unknown, why. counters: the server's own since it began to count, {"inserted", "updated", "deleted", "since"}."""

    table: str
    rows: int | None
    why: str = ""
    counters: tuple[tuple[str, str], ...] = ()

    @property
    def line(self) -> str:
        if self.rows is None:
            return f"{self.table}: UNKNOWN ({self.why})"
        return f"{self.table}: {self.rows:,} row{'' if self.rows == 1 else 's'} inserted or updated since"


@dataclass(frozen=True, slots=True)
class Preimage:
    """Rows that were kept before a migration. there: whether the copy still is."""

    label: str
    relation: str
    archive: str
    kept: int
    there: bool


@dataclass(frozen=True, slots=True)
class Work:
    """A statement of a rollback as the sandbox saw it run. locks: "ACCESS EXCLUSIVE on public.orders", on what was
    there before; heavy: what it rewrites, reads whole or builds."""

    label: str
    text: str
    locks: tuple[str, ...]
    heavy: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proof:
    """What is known of a migration's way back on the state of now. basis: "proven now" or "as it was approved".
    stale: why the certificate of then does not hold as it is; () when it does. scripts: the files that run or ran."""

    label: str
    klass: str
    proven: bool
    reason: str
    basis: str
    stale: tuple[str, ...] = ()
    was: str = ""
    certificate: Certificate | None = None
    scripts: tuple[str, ...] = ()

    @property
    def word(self) -> str:
        """The class as a plan holds it: "LOSSLESS", "LOSSY (not proven)"."""
        return f"{self.klass}{'' if self.proven else ' (not proven)'}" if self.klass else ""


@dataclass(frozen=True, slots=True)
class Assessment:
    """Everything that is known before anything runs; made by reading only.

    labels: in the order in which they are taken back. refusal: why nothing may run, None when it may, with an approval.
    plan: what an approval would be about; None with a refusal. along: objects that were made by hand and go with what
    is removed. work: the rollback's statements. times: how long locks would be held, where that was measured. notes: what else to know.
    """

    target: str
    environment: str
    database: str
    system_identifier: str
    labels: tuple[str, ...]
    ran: tuple[Ran, ...]
    moved: Moved
    dependents: tuple[Dependent, ...] = ()
    proofs: tuple[Proof, ...] = ()
    goes: tuple[Goes, ...] = ()
    since: tuple[Since, ...] = ()
    preimages: tuple[Preimage, ...] = ()
    along: tuple[str, ...] = ()
    work: tuple[Work, ...] = ()
    times: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    refusal: AgentdbError | None = None
    plan: Plan | None = None

    @property
    def costs(self) -> bool:
        """Whether going back takes along or loses something."""
        worse = any(p.klass not in ("LOSSLESS",) or not p.proven for p in self.proofs)
        return worse or bool(self.along) or any(g.rows is None or g.rows for g in self.goes)

    @property
    def headline(self) -> str:
        """What can be done, without the reason of a refusal."""
        what = ", ".join(self.labels or (r.label for r in self.ran))
        if self.refusal is not None:
            return f"{'REFUSED' if self.refusal.exit_code == 4 else 'CANNOT BE TAKEN BACK'}: {what}"
        if not self.labels:
            return f"NOTHING TO TAKE BACK: {what}"
        return f"CAN BE TAKEN BACK{', AT A COST' if self.costs else ''}: {what}"

    @property
    def verdict(self) -> str:
        """The headline, and why it is refused."""
        return f"{self.headline}: {self.refusal.what}" if self.refusal is not None else self.headline


@dataclass(frozen=True, slots=True)
class Part:
    """One migration on its way back, as the sandbox needs it.

    migration: with the text that ran (of a half-applied one, only what is in effect). down, capture: the scripts.
    finish: a statement whose half effect the target has and a copy of its schema has not, "" for none. changed: which
    of its files are not what they were when it ran.
    """

    migration: Migration
    row: HistoryRow
    down: str
    capture: str
    half: bool = False
    finish: str = ""
    changed: tuple[str, ...] = ()
