"""What this machine remembers of targets: schemas by their fingerprint, and what rollbacks were proven on them.

A convenience, never a proof: a schema is taken only when its fingerprint is the one asked for, and what was proven
goes into a plan that a person signs.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import AgentdbError
from .. import files

if TYPE_CHECKING:
    from ..schema.model import Snapshot
    from .plan import Plan

SCHEMAS, PROOFS = "schemas", "proofs"
MOST = 20  # files of each kind; the oldest go


@dataclass(frozen=True, slots=True)
class Proven:
    """What the sandbox said of a rollback on a target's schema of now: the class of each migration's certificate, by
    label, and the fingerprint that the schema should have afterwards ("" when it could not be told)."""

    certificates: Mapping[str, str] = field(default_factory=dict)
    expected_fingerprint: str = ""


def keep_schema(state_dir: Path, snapshot: Snapshot, fingerprint: str) -> None:
    """The snapshot is kept under its fingerprint. A disk that takes no file is no reason to stop."""
    from ..schema.store import to_json

    path = _path(state_dir, SCHEMAS, fingerprint)
    if not path.exists():
        _keep(path, lambda: to_json(snapshot))


def schema(state_dir: Path, fingerprint: str) -> Snapshot | None:
    """The schema that has this fingerprint, None when it is not kept here."""
    from ..schema.fingerprint import fingerprint as measure
    from ..schema.store import from_json

    path = _path(state_dir, SCHEMAS, fingerprint)
    try:
        found = from_json(path.read_text(encoding="utf-8")) if fingerprint and path.is_file() else None
    except (OSError, ValueError, AgentdbError):
        return None
    return found if found is not None and measure(found) == fingerprint else None


def keep_proof(state_dir: Path, plan: Plan, proven: Proven) -> None:
    """What was proven of exactly this plan's scripts on exactly its schema."""
    _keep(_path(state_dir, PROOFS, key_of(plan)), lambda: json.dumps(dataclasses.asdict(proven), indent=1) + "\n")


def proof(state_dir: Path, plan: Plan) -> Proven | None:
    """What was proven of exactly this plan's scripts on exactly its schema, None when nothing was."""
    path = _path(state_dir, PROOFS, key_of(plan))
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return Proven({str(k): str(v) for k, v in data["certificates"].items()}, str(data["expected_fingerprint"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def with_proof(plan: Plan, proven: Proven) -> Plan:
    """The plan with what was proven in it."""
    migrations = tuple(
        dataclasses.replace(m, certificate=proven.certificates.get(m.label, "")) for m in plan.migrations
    )
    return dataclasses.replace(plan, migrations=migrations, expected_fingerprint=proven.expected_fingerprint)


def key_of(plan: Plan) -> str:
    """The plan's hash without what a proof would put into it."""
    return with_proof(plan, Proven()).sha256


def _path(state_dir: Path, kind: str, key: str) -> Path:
    return state_dir / kind / f"{key.removeprefix('v1:')[:64]}.json"


def _keep(path: Path, text: Callable[[], str]) -> None:
    with contextlib.suppress(AgentdbError, OSError):
        files.write_whole(path, text(), mode=0o600)
        there = sorted(path.parent.glob("*.json"), key=lambda p: p.stat().st_mtime, reverse=True)
        for old in there[MOST:]:
            old.unlink(missing_ok=True)
