"""Whether the certificate of a rollback still holds: by the hashes of the scripts, and by the schema it was made for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from .facts import Moved, Part, Proof

if TYPE_CHECKING:
    from ..databases.postgres import Connection

CLASS = re.compile(r"(LOSSLESS|SCHEMA_ONLY|LOSSY|IMPOSSIBLE)( \(not proven\))?")


class Standings:
    """What was said of the rollbacks when they were approved, and by the heads of their scripts."""

    def __init__(self, conn: Connection, heads: Mapping[str, str], moved: Moved) -> None:
        self.conn, self.heads, self.moved = conn, heads, moved

    def approved(self, part: Part) -> str:
        """The class in the plan on which the migration was applied, "" when there is none."""
        if not part.row.approval_nonce:
            return ""
        found = self.conn.execute(
            "SELECT m ->> 'certificate' FROM agentdb.approvals AS a, jsonb_array_elements(a.plan -> 'migrations') AS m"
            " WHERE a.nonce = %s AND m ->> 'version' = %s",
            (part.row.approval_nonce, part.row.version),
        ).fetchone()
        return str(found[0]) if found and found[0] else ""


def proofs_of(known: Standings, parts: Sequence[Part]) -> tuple[Proof, ...]:
    """What was certified of each, and why that does not hold for today as it is."""
    return tuple(_one(known, part) for part in parts)


def _one(known: Standings, part: Part) -> Proof:
    label = part.migration.label
    approved, head = known.approved(part), known.heads.get(label, "")
    said = approved or head
    stale: list[str] = []
    if part.half:
        stale.append("the certificate is for the whole migration, and only a part of it is there")
    if not said:
        stale.append("nobody has certified this rollback")
    stale += part.changed
    if known.moved.moved is None and not part.half:
        stale.append("the schema that the migration left was not noted")
    elif known.moved.moved:
        stale.append("the schema is another one than the migrations left")
    match = CLASS.match(said)
    return Proof(
        label,
        match[1] if match else "",
        bool(match and not match[2]),
        "as the head of its script says" if head and not approved else "as it was approved" if approved else "",
        "as it was approved" if approved else "the head of its script" if head else "nothing",
        tuple(stale),
        said,
    )
