"""A snapshot goes to JSON and back, and anything else is refused in one line."""

from __future__ import annotations

import pytest

from agentdb.errors import UsageError
from agentdb.tools.schema import fingerprint as fingerprints
from agentdb.tools.schema.fingerprint import fingerprint
from agentdb.tools.schema.model import Snapshot
from agentdb.tools.schema.store import from_json, to_json


def test_a_snapshot_comes_back_as_it_was(all_kinds: Snapshot) -> None:
    text = to_json(all_kinds)
    assert from_json(text) == all_kinds
    assert to_json(from_json(text)) == text
    assert fingerprint(from_json(text)) == fingerprint(all_kinds)


@pytest.mark.parametrize(("text", "said"), [
    ("", "not JSON"),
    ("[]", "not a schema snapshot"),
    ('{"format": 99, "objects": []}', "format 99"),
    ('{"format": 1, "objects": [{"id": ["table"]}]}', "damaged"),
])  # fmt: skip
def test_what_is_no_snapshot_is_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        from_json(text)


def test_a_fingerprint_can_leave_properties_out(all_kinds: Snapshot) -> None:
    whole = fingerprint(all_kinds)
    assert whole.startswith("v1:") and len(whole) == 3 + 64
    assert fingerprint(all_kinds, ignore_properties=("owner", "grants")) != whole


def test_the_model_finds_by_kind_and_by_table(all_kinds: Snapshot) -> None:
    (table,) = (o for o in all_kinds.of("table") if o.id.name == "customers")
    columns = all_kinds.children(table.id, "column")
    assert [c.properties["position"] for c in columns] == list(range(1, 16))
    assert list(all_kinds) == sorted(all_kinds.objects.values(), key=lambda o: o.id)
    assert all_kinds.of("nothing") == () == all_kinds.children(table.id, "nothing")


def test_both_ways_of_writing_json_give_the_same_bytes(all_kinds: Snapshot) -> None:
    trees: list[dict[str, object]] = [{str(o.id): dict(o.properties)} for o in all_kinds]
    trees.append(
        {
            '\x1f\x00\x7f\u2028"\\\n\t/é🐘': [0.5, 100, 1e300, 0.0025, -(2**63), True, None, ""],
            "Z": {},
            "a": [],
            "é": {},
        }
    )
    trees.append({"more than 64 bits": 2**70})
    for tree in trees:
        assert fingerprints._bytes(tree) == fingerprints._slow_bytes(tree)
