"""What is to be done to a target, to the last byte: the thing that a person approves.

A plan is a function of the files, the target's state and the policy alone: no clock, no machine, no model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ...errors import MigrationFileError, RefusedError, UsageError
from .. import files, naming
from ..files import Layout
from ..records import Migration, to_plain
from . import history, kept, scripts
from .canonical import sha256
from .history import HistoryRow

if TYPE_CHECKING:
    from ..databases.postgres import Connection

FORMAT = "agentdb-plan/1"
POLICY_VERSION = 1


@dataclass(frozen=True, slots=True)
class Policy:
    """Which environments need an approval. One that is not named needs one."""

    required: Mapping[str, bool] = field(default_factory=dict)

    def needs_approval(self, environment: str) -> bool:
        return self.required.get(environment, True)

    def to_json(self, environment: str) -> dict[str, Any]:
        return {"version": POLICY_VERSION, "approval_required": self.needs_approval(environment)}


@dataclass(frozen=True, slots=True)
class PlannedMigration:
    """One migration of a plan, in its place.

    sha256, rollback_sha256, capture_sha256: over the normalised text, "" for a file that is not there.
    exact_sha256: over the very characters of the three. out_of_order: a higher number is applied, and stays.
    certificate: what is known of the rollback ("LOSSLESS", ...), "" when nothing is. resume_from: how many
    statements an interrupted attempt has done, and prefix_sha256 their hash. history_id: the attempt that a rollback
    takes back, or that a resume continues; 0 for none.
    """

    version: str
    name: str
    sha256: str
    rollback_sha256: str
    capture_sha256: str
    exact_sha256: str
    transactional: bool
    statements: int
    out_of_order: bool = False
    certificate: str = ""
    resume_from: int = 0
    prefix_sha256: str = ""
    history_id: int = 0

    @property
    def label(self) -> str:
        return f"{self.version}_{self.name}"

    @property
    def number(self) -> int:
        return int(self.version)


@dataclass(frozen=True)
class Plan:
    """Ordered migrations, the target and its state. kind: "apply" or "rollback".

    fingerprint: the schema it starts from; expected_fingerprint: the one it should end with, "" when not known.
    ledger: the parts of agentdb's own schema that will be installed first, each [version, name, sha256].
    evidence_sha256: digest of the report that the approver saw, "" for none.
    """

    kind: str
    system_identifier: str
    database: str
    environment: str
    fingerprint: str
    migrations: tuple[PlannedMigration, ...]
    ledger: tuple[tuple[str, str, str], ...] = ()
    policy: Mapping[str, Any] = field(default_factory=dict)
    expected_fingerprint: str = ""
    evidence_sha256: str = ""

    def to_json(self) -> dict[str, Any]:
        """The plan as JSON-plain data; its canonical form is what plan_sha256 is over."""
        plain = to_plain(self)
        assert isinstance(plain, dict)
        return {"format": FORMAT, **plain}

    @cached_property
    def sha256(self) -> str:
        """plan_sha256: over everything in the plan."""
        return sha256(self.to_json())

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(m.label for m in self.migrations)

    @property
    def resumes(self) -> bool:
        """Whether it continues an interrupted attempt."""
        return any(m.history_id for m in self.migrations) and self.kind == "apply"


def from_json(data: Mapping[str, Any]) -> Plan:
    """The plan that `to_json` wrote. Errors: ValueError."""
    try:
        known = {f.name for f in fields(Plan)}
        if data.get("format") != FORMAT or set(data) != known | {"format"}:
            raise ValueError("it is not a plan of a format that this agentdb knows")
        values = {k: data[k] for k in known}
        values["migrations"] = tuple(PlannedMigration(**m) for m in values["migrations"])
        values["ledger"] = tuple((str(v), str(n), str(s)) for v, n, s in values["ledger"])
        plan = Plan(**values)
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"it is not a plan: {error}") from None
    if plan.to_json() != dict(data):
        raise ValueError("it is not spelled as agentdb spells a plan")
    return plan


def pending(layout: Layout, rows: Iterable[HistoryRow]) -> tuple[Migration, ...]:
    """The migrations on disk that the target has not applied, by number. The folder does not decide: a file in
    applied/ that this target has not seen (another target has) is pending for it."""
    done = history.applied(rows)
    return tuple(m for m in files.discover(layout) if m.number not in done)


def find(layout: Layout, label: str) -> Migration:
    """A migration by "007_add_email", read from disk now; pending/ before applied/ before archived/.
    Errors: RefusedError("changed-file") when it is gone."""
    for folder in (layout.pending, layout.applied, layout.archived):
        path = folder / f"{label}.sql"
        try:
            if path.is_file():
                return files.read_migration(path, layout)
        except MigrationFileError:
            if path.exists():
                raise  # else another apply has just moved it
    raise RefusedError(
        "the migration's file is not there", reason="changed-file", where=f"{label}.sql", hint="Restore the file."
    )


def build_plan(
    layout: Layout,
    migrations: Sequence[Migration] | None,
    conn: Connection,
    *,
    environment: str,
    policy: Policy,
    kind: str = "apply",
    certificates: Mapping[str, str] | None = None,
    expected_fingerprint: str = "",
    evidence_sha256: str = "",
    fingerprint: str = "",
) -> Plan:
    """The plan for a target as it is now. fingerprint: of its schema, when the caller has just measured it.

    migrations: None for all that are pending; for a rollback, those to take back. Order is by number, for a rollback
    the other way round. certificates: class by label.
    Errors: UsageError when there is nothing to do; RefusedError duplicate-number, missing-dependency, changed-file,
    no-rollback, not-applied, purged; MigrationFileError and SqlSyntaxError for a file that cannot be carried out.
    """
    from ..databases.postgres import target_identity
    from . import prints

    found = history.runs(conn)
    identity = target_identity(conn)
    chosen = list(pending(layout, found) if migrations is None else migrations)
    if not chosen:
        raise UsageError("there is nothing to do", hint="`agentdb status` shows what is applied.")
    chosen.sort(key=lambda m: m.number, reverse=kind == "rollback")
    known = certificates or {}
    if kind == "rollback":
        leaving = {m.number for m in chosen}
        planned = [_taken_back(m, found, leaving, known.get(m.label, "")) for m in chosen]
        begun = {p.label for p in planned if p.resume_from}
        kept.refuse_purged(conn, [(m, texts_of(m, kind).rollback) for m in chosen if m.label not in begun])
    else:
        _check_order(chosen, found)
        planned = [_carried_out(m, found, known.get(m.label, "")) for m in chosen]
    return Plan(
        kind=kind,
        system_identifier=identity["system_identifier"],
        database=identity["database"],
        environment=environment,
        fingerprint=fingerprint or prints.measure(conn).fingerprint,
        migrations=tuple(planned),
        ledger=tuple((m.version, m.name, m.sha256) for m in history.missing(conn)),
        policy=policy.to_json(environment),
        expected_fingerprint=expected_fingerprint,
        evidence_sha256=evidence_sha256,
    )


class Texts(NamedTuple):
    """The characters of a migration's three files, read once; "" for one that is not there."""

    up: str
    rollback: str
    capture: str


PARTIAL = ".partial.sql"


def way_back(migration: Migration) -> Path | None:
    """The script that takes the migration back; one for a half-applied migration (NNN_name.partial.sql, made by the
    emergency command) goes before the whole one while it is there."""
    partial = migration.path.parent.parent / "rollback" / f"{migration.label}{PARTIAL}"
    return partial if partial.is_file() else migration.rollback_path


def texts_of(migration: Migration, kind: str = "apply") -> Texts:
    """The migration's text, and those of its rollback and capture scripts as they are on disk now. kind: "rollback"
    reads the script that `way_back` names."""
    path = way_back(migration) if kind == "rollback" else migration.rollback_path
    rollback = files.read_text(path) if path else ""
    capture = files.read_text(migration.capture_path) if migration.capture_path else ""
    return Texts(migration.sql, rollback, capture)


def sums(texts: Texts) -> dict[str, Any]:
    """The hashes that a plan holds of a migration's files."""
    return {
        "sha256": naming.checksum(texts.up),
        "rollback_sha256": naming.checksum(texts.rollback) if texts.rollback else "",
        "capture_sha256": naming.checksum(texts.capture) if texts.capture else "",
        "exact_sha256": sha256([scripts.exact_sha256(t) for t in texts]),
    }


def _carried_out(migration: Migration, found: Sequence[HistoryRow], certificate: str) -> PlannedMigration:
    texts = texts_of(migration)
    work = scripts.work_of(migration)
    if migration.capture_path:
        scripts.capture_of(texts.capture, migration.capture_path)
    row = next((r for r in found if r.is_open and r.kind == "apply" and r.number == migration.number), None)
    resumed: dict[str, Any] = {}
    if row and row.left_something:
        if row.statements_done > len(work.steps) or work.prefix(row.statements_done) != row.prefix_sha256:
            raise RefusedError(
                f"{migration.label} stopped after statement {row.statements_done}, and what had run by then was edited since",
                reason="changed-file",
                where=str(migration.path),
                hint="Restore those statements, or roll back and start again.",
            )
        resumed = {"resume_from": row.statements_done, "prefix_sha256": row.prefix_sha256, "history_id": row.id}
    return PlannedMigration(
        version=migration.version,
        name=migration.name,
        **sums(texts),
        transactional=work.transactional,
        statements=len(work.steps),
        out_of_order=any(n > migration.number for n in history.applied(found)),
        certificate=certificate,
        **resumed,
    )


def _taken_back(
    migration: Migration, found: Sequence[HistoryRow], leaving: set[int], certificate: str
) -> PlannedMigration:
    row = next(
        (
            r
            for r in found
            if r.kind == "apply" and r.number == migration.number and (r.status == "applied" or r.left_something)
        ),
        None,
    )
    if row is None:
        raise RefusedError(
            f"{migration.label} is not applied here", reason="not-applied", hint="`agentdb status` shows what is."
        )
    texts = texts_of(migration, "rollback")
    path = way_back(migration)
    if not texts.rollback or path is None:
        raise RefusedError(
            f"{migration.label} has no rollback script",
            reason="no-rollback",
            where=str(migration.path),
            hint=f"Draft one: agentdb rollback draft {migration.path.name}",
        )
    part = f"partial {row.statements_done}"
    if path.name.endswith(PARTIAL) and part not in files.headers_of(texts.rollback).get("agentdb", ()):
        raise RefusedError(
            f"this script takes back a part of {migration.label}, and not the part that is there",
            reason="changed-file",
            where=str(path),
            hint=f"Delete it. `agentdb rollback {migration.version}` makes the one that fits.",
        )
    work = rollback_work(migration, texts.rollback)
    again = next((r for r in found if r.is_open and r.kind == "rollback" and r.number == migration.number), None)
    done = again.statements_done if again and again.left_something else 0
    if again and work.prefix(done) != again.prefix_sha256:
        raise RefusedError(
            f"the rollback of {migration.label} stopped after statement {done}, and what had run by then was edited since",
            reason="changed-file",
            where=str(path),
            hint="Restore those statements.",
        )
    return PlannedMigration(
        version=migration.version,
        name=migration.name,
        **sums(texts) | {"sha256": row.checksum},
        transactional=work.transactional,
        statements=len(work.steps),
        out_of_order=any(n > migration.number for n in history.applied(found) if n not in leaving),
        certificate=certificate,
        resume_from=done,
        prefix_sha256=again.prefix_sha256 if done and again else "",
        history_id=row.id,
    )


def rollback_work(migration: Migration, text: str) -> scripts.Work:
    """The steps of a rollback script; it runs without a transaction only when its own header says so, or must."""
    outside = "no-transaction" in files.headers_of(text).get("agentdb", ())
    return scripts.read(text, where=str(way_back(migration)), no_transaction=outside)


def _check_order(chosen: Sequence[Migration], found: Sequence[HistoryRow]) -> None:
    """Every number once, and everything a migration depends on applied or before it."""
    there = set(history.applied(found))
    for migration in chosen:
        if migration.number in there:
            raise RefusedError(
                f"number {migration.version} is applied already, or stands twice",
                reason="duplicate-number",
                where=str(migration.path),
                hint="`agentdb conflicts` shows what to do.",
            )
        for needed in migration.headers.get("depends", ()):
            digits = needed.split("_", 1)[0]
            if not digits.isdigit() or int(digits) not in there:
                raise RefusedError(
                    f"{migration.label} depends on {needed}, which is neither applied nor before it in this plan",
                    reason="missing-dependency",
                    where=str(migration.path),
                    hint=f"Apply {needed} first, or mend the header.",
                )
        there.add(migration.number)
