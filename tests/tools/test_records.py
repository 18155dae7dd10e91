from __future__ import annotations

import dataclasses
import pickle

from agentdb.tools.records import Finding, Proof, Severity

FULL = Finding(
    "ban-drop-column", Severity.ERROR, "Column dropped", "why", "fix", "x.sql", 3, 1, ("t", "t.a"), ("E-0001",),
    Proof.CONFIRMED, "F-1", "for a reason", {"seconds": [1, 2]},
)  # fmt: skip


def test_every_field_of_a_finding_goes_through_pickling() -> None:
    assert all(getattr(FULL, f.name) for f in dataclasses.fields(Finding)), "the example leaves a field out"
    assert pickle.loads(pickle.dumps(FULL)) == FULL


def test_an_id_is_all_that_numbering_changes() -> None:
    assert FULL.with_id("F-9") == dataclasses.replace(FULL, id="F-9")
