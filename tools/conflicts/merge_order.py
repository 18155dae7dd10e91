"""Whether the order of two migrations matters: both orders are run from one state, and what comes of them compared.

COMMUTES          both orders work, and schema and rows come out the same
ORDER-DEPENDENT   only one order works, or the two come out differently
CONFLICT          neither order works
UNKNOWN           the sandbox could not run them, so nothing is known
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from ..records import Evidence, Finding, Migration, Proof
from ..schema.diff import diff, significant
from ..schema.model import Snapshot
from ..schema.snapshot import read_snapshot
from ..sql.quote import ident, qualified

if TYPE_CHECKING:
    from ..databases.postgres import Connection
    from ..sandbox.databases import SandboxDatabase
    from ..sandbox.server import SandboxServer


SETTLED_BY_ORDER = frozenset({"conflict-same-object", "conflict-branch-object"})


class Verdict(StrEnum):
    """What running both orders showed."""

    COMMUTES = "COMMUTES"
    ORDER_DEPENDENT = "ORDER-DEPENDENT"
    CONFLICT = "CONFLICT"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One order as it ran. failed: the label of the migration that did, "" when both ran; error: what the server said.
    unknown: why a failure says nothing ("" when it does). rows: a digest by table and column."""

    order: tuple[str, str]
    failed: str = ""
    error: str = ""
    unknown: str = ""
    snapshot: Snapshot | None = None
    rows: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return not self.failed


@dataclass(frozen=True, slots=True)
class MergeOrder:
    """verdict, one sentence for it, the differences between the two results (or the errors), and what was seen.

    notes: what differs without counting: the order of columns, values that differ from run to run anyway.
    """

    verdict: Verdict
    reason: str
    first: Migration
    second: Migration
    outcomes: tuple[Outcome, Outcome]
    differences: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    server: str = ""

    def proof(self, rule: str) -> Proof:
        """What this says of a finding about the two. That the order does not matter refutes only a conflict over what
        both change: a number that two files bear stays wrong, though either may then be renumbered."""
        match self.verdict:
            case Verdict.COMMUTES:
                return Proof.REFUTED if rule in SETTLED_BY_ORDER else Proof.UNKNOWN
            case Verdict.UNKNOWN:
                return Proof.UNKNOWN
        return Proof.CONFIRMED

    def evidence(self, id: str) -> Evidence:
        """What was run, and what came of it."""
        return Evidence(
            id,
            "merge-order",
            f"{self.first.label} and {self.second.label} in both orders: {self.verdict.value}. {self.reason}",
            command=" / ".join(" then ".join(o.order) for o in self.outcomes),
            server=self.server,
            result={
                "verdict": self.verdict.value,
                "sha256": {m.label: m.sha256 for m in (self.first, self.second)},
                "orders": [{"order": list(o.order), "failed": o.failed, "error": o.error} for o in self.outcomes],
                "differences": list(self.differences),
                "notes": list(self.notes),
            },
        )


def merge_order(server: SandboxServer, base: SandboxDatabase, first: Migration, second: Migration) -> MergeOrder:
    """Both orders, each on its own copy of `base`, which stays as it is; no session may be open in it.

    Rows are compared too, so a base with rows in it shows more. Where rows differ, the first order is run once more:
    a column that differs between two runs of one order (now(), random()) does not count.
    Errors: SandboxError, DatabaseError when the sandbox itself fails.
    """
    one, other = _outcome(server, base, first, second), _outcome(server, base, second, first)
    made = MergeOrder(Verdict.UNKNOWN, "", first, second, (one, other), server=server.version_text)
    unknown = one.unknown or other.unknown
    if unknown:
        return replace(made, reason=f"The sandbox could not tell: {unknown}.")
    errors = tuple(f"{' then '.join(o.order)}: {o.failed} fails: {o.error}" for o in (one, other) if not o.ok)
    if not one.ok and not other.ok:
        return replace(made, verdict=Verdict.CONFLICT, reason=_neither(one, other), differences=errors)
    if not one.ok or not other.ok:
        works = one if one.ok else other
        reason = f"It works only with {works.order[0]} before {works.order[1]}."
        return replace(made, verdict=Verdict.ORDER_DEPENDENT, reason=reason, differences=errors)
    assert one.snapshot is not None and other.snapshot is not None
    changes = diff(one.snapshot, other.snapshot)
    lines = [c.line for c in significant(changes)]
    notes = []
    if len(lines) < len(changes):
        notes.append("The columns come out in another order, which SELECT * and INSERT without a list would show.")
    rows, unstable = _differing_rows(server, base, made)
    lines += [f"the values of {table}.{column} differ" for table, column in rows]
    notes += [f"{table}.{column} differs from run to run and was not compared." for table, column in unstable]
    if lines:
        reason = f"The two orders leave {len(lines)} thing{'s' if len(lines) > 1 else ''} different: {lines[0]}."
        return replace(
            made, verdict=Verdict.ORDER_DEPENDENT, reason=reason, differences=tuple(lines), notes=tuple(notes)
        )
    return replace(made, verdict=Verdict.COMMUTES, reason="Schema and rows come out the same.", notes=tuple(notes))


def _neither(one: Outcome, other: Outcome) -> str:
    alone = [o.failed for o in (one, other) if o.failed == o.order[0]]
    if alone:
        return f"{alone[0]} fails on its own: {(one if one.failed == alone[0] else other).error.rstrip('.')}."
    return "Whichever runs second fails."


def _outcome(server: SandboxServer, base: SandboxDatabase, *order: Migration) -> Outcome:
    """What comes of migrations run one after the other on a copy of the base."""
    from ..sandbox.run import run_migration

    labels = (order[0].label, order[1].label)
    with server.clone(base) as copy:
        for migration in order:
            run = run_migration(copy, migration, trace=False)
            if run.unknown:
                return Outcome(labels, migration.label, run.error, run.unknown)
            if not run.ok:
                return Outcome(labels, migration.label, _said(run.error))
        with copy.connect() as connection:
            snapshot = read_snapshot(connection)
            return Outcome(labels, snapshot=snapshot, rows=_row_digests(connection, snapshot))


def _said(error: str) -> str:
    """The server's words without the place in the file."""
    from ..sandbox.before import without_place

    return without_place(error)


# The values of some columns of a table, whatever the order of its rows.
DIGEST = """md5(coalesce(string_agg(ROW({0})::text, E'\\n' ORDER BY ROW({0})::text COLLATE "C"), ''))"""


def _row_digests(connection: Connection, snapshot: Snapshot) -> dict[tuple[str, str], str]:
    """A digest of the values of each column of each table, with the primary key beside each where there is one."""
    columns: dict[tuple[str, str], list[str]] = {}
    keys: dict[tuple[str, str], tuple[str, ...]] = {}
    for column in snapshot.of("column"):
        columns.setdefault((column.id.schema, column.id.parent), []).append(column.id.name)
    for constraint in snapshot.of("constraint"):
        if constraint.properties.get("type") == "primary key":
            keys[constraint.id.schema, constraint.id.parent] = tuple(constraint.properties.get("columns", ()))
    found: dict[tuple[str, str], str] = {}
    for table in snapshot.of("table"):
        name = (table.id.schema, table.id.name)
        if table.properties.get("partition_key") or not columns.get(name):
            continue
        beside = keys.get(name, ())
        shown = [", ".join(ident(c) for c in dict.fromkeys((*beside, column))) for column in columns[name]]
        query = f"SELECT {', '.join(DIGEST.format(s) for s in shown)} FROM ONLY {qualified(*name)}"
        row = connection.execute(query.encode()).fetchone()
        assert row is not None
        found |= {(".".join(name), column): digest for column, digest in zip(columns[name], row, strict=True)}
    return found


def _differing_rows(
    server: SandboxServer, base: SandboxDatabase, made: MergeOrder
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """The columns whose values depend on the order, and those that differ from run to run anyway."""
    one, other = made.outcomes
    differing = sorted(k for k in one.rows.keys() & other.rows.keys() if one.rows[k] != other.rows[k])
    if not differing:
        return [], []
    again = _outcome(server, base, made.first, made.second).rows
    unstable = [k for k in differing if again.get(k) != one.rows[k]]
    return [k for k in differing if k not in unstable], unstable


def measured(
    findings: Sequence[Finding], results: Mapping[str, MergeOrder], start: int = 1
) -> tuple[tuple[Finding, ...], tuple[Evidence, ...]]:
    """(findings with proof and evidence ids, evidence). results: by finding id. start: number of the first evidence."""
    told: list[Finding] = []
    evidence: list[Evidence] = []
    for finding in findings:
        result = results.get(finding.id)
        if result is not None:
            record = result.evidence(f"E-{start + len(evidence):04d}")
            evidence.append(record)
            finding = replace(finding, proof=result.proof(finding.rule), evidence=(*finding.evidence, record.id))
        told.append(finding)
    return tuple(told), tuple(evidence)
