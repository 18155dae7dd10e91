"""What the steps of a proof brought, and the certificate that they allow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .. import naming
from ..records import Certificate, CertificateClass, Loss, Migration
from .rows import Difference


@dataclass(slots=True)
class Findings:
    """What the steps of a proof brought."""

    steps: list[dict[str, Any]] = field(default_factory=list)
    schema: list[str] = field(default_factory=list)
    orders: list[str] = field(default_factory=list)
    marks: list[str] = field(default_factory=list)
    data: list[Difference] = field(default_factory=list)
    unseen: list[Loss] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    changed_by_up: list[str] = field(default_factory=list)
    failed: str = ""
    unproven: list[str] = field(default_factory=list)
    since: list[str] = field(default_factory=list)


def conclude(
    found: Findings,
    migration: Migration,
    down: str,
    capture: str,
    losses: Sequence[Loss],
    server: str,
) -> Certificate:
    """The certificate that the findings allow: the best class only when every step was run and nothing differed."""
    seen = tuple(Loss(f"{d.table.schema}.{d.table.name}", d.columns, d.rows, d.why) for d in found.data)
    lost = (*losses, *seen, *found.unseen)
    differences = tuple(found.schema) + tuple(f"{name}: its columns stand in another order" for name in found.orders)
    differences += tuple(found.marks)
    proven, reason = True, ""
    if found.failed:
        klass, proven, reason = CertificateClass.IMPOSSIBLE, False, found.failed
    elif found.schema:
        klass, reason = CertificateClass.IMPOSSIBLE, f"the schema does not return: {found.schema[0]}"
    elif lost:
        klass = CertificateClass.LOSSY
        reason = "; ".join(loss_line(x) for x in lost[:3])
    elif found.marks:
        klass, reason = CertificateClass.SCHEMA_ONLY, found.marks[0]
    elif found.since:
        klass, reason = CertificateClass.SCHEMA_ONLY, found.since[0]
    elif found.empty:
        klass, proven = CertificateClass.SCHEMA_ONLY, False
        reason = f"no rows could be compared in {', '.join(found.empty[:3])}"
    elif found.unproven:
        klass, proven, reason = CertificateClass.SCHEMA_ONLY, False, found.unproven[0]
    else:
        klass = CertificateClass.LOSSLESS
        reason = "schema and rows return, and writes made since stay"
        if found.orders:
            reason += f"; column order differs in {', '.join(found.orders[:3])}"
    return Certificate(
        klass=klass,
        proven=proven,
        reason=reason,
        up_sha256=naming.checksum(migration.sql),
        down_sha256=naming.checksum(down),
        capture_sha256=naming.checksum(capture) if capture else "",
        losses=lost,
        differences=differences,
        steps=tuple(found.steps),
        server=server,
    )


def loss_line(loss: Loss) -> str:
    columns = f" ({', '.join(loss.columns)})" if loss.columns else ""
    rows_told = "" if loss.rows is None else f": {loss.rows} row{'' if loss.rows == 1 else 's'}"
    return f"{loss.table}{columns}{rows_told}"
