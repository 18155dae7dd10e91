"""Where a run goes: every branch, without a model, a server or a graph."""

from __future__ import annotations

from typing import Any

import pytest

from agentdb.agents.crew import CREW
from agentdb.graph import routing

READY: Any = {"run": {"wants_apply": True}, "plan": {"sha256": "x"}, "verdict": {"word": "needs approval"}}


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({}, "judge"),
        ({"migrations": []}, "judge"),
        ({"migrations": [{}], "trouble": {"what": "x"}}, "judge"),
        ({"migrations": [{}]}, "resolver"),
    ],
)
def test_after_intake(state: Any, expected: str) -> None:
    assert routing.after_intake(state) == expected


def test_each_file_and_each_agent_get_a_node_of_their_own() -> None:
    sent = routing.each_file({"migrations": [{"path": "a.sql"}, {"path": "b.sql"}]})
    assert [(s.node, s.arg["path"]) for s in sent if not isinstance(s, str)] == [("read", "a.sql"), ("read", "b.sql")]
    assert routing.each_file({"migrations": []}) == "rehearse"
    assert [s.arg["agent"] for s in routing.each_agent({})] == list(CREW)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "gate"),
        ({"run": {"wants_apply": False}}, "__end__"),
        ({"plan": {}}, "__end__"),
        ({"verdict": {"word": "blocked"}}, "__end__"),
        ({"trouble": {"what": "x"}}, "__end__"),
    ],
)
def test_after_report(change: Any, expected: str) -> None:
    state: Any = READY | change
    assert routing.after_report(state) == expected


@pytest.mark.parametrize(
    ("route", "key", "value", "expected"),
    [
        (routing.after_gate, "decision", {"decision": "approve"}, "apply"),
        (routing.after_gate, "decision", {"decision": "reject"}, "__end__"),
        (routing.after_gate, "decision", {}, "__end__"),
        (routing.after_apply, "applied", {"ok": True}, "verify"),
        (routing.after_apply, "applied", {"ok": False, "reason": "failed"}, "verify"),
        (routing.after_apply, "applied", {"ok": False, "reason": "not-verified"}, "verify"),
        (routing.after_apply, "applied", {"ok": False, "reason": "expired"}, "__end__"),
        (routing.after_apply, "applied", {}, "__end__"),
        (routing.after_verify, "verified", {"ok": True}, "__end__"),
        (routing.after_verify, "verified", {"ok": False}, "offer_rollback"),
        (routing.after_verify, "verified", {}, "offer_rollback"),
        (routing.after_offer, "way_back", {"plan": {"sha256": "x"}}, "rollback_gate"),
        (routing.after_offer, "way_back", {"plan": {}}, "incident"),
        (routing.after_rollback_gate, "back_decision", {"decision": "approve"}, "roll_back"),
        (routing.after_rollback_gate, "back_decision", {"decision": "reject"}, "incident"),
        (routing.after_rollback_gate, "back_decision", {}, "incident"),
    ],
)
def test_the_other_forks(route: Any, key: str, value: Any, expected: str) -> None:
    assert route({key: value}) == expected
