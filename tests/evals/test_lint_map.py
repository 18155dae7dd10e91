"""The benchmark's map knows every rule, and keeps the interface that releases are measured with."""

from __future__ import annotations

import json
from pathlib import Path

from agentdb.tools.hazards.registry import rules

MAP = Path(__file__).resolve().parents[2] / "evals/lint/agentdb.map.json"


def test_every_rule_has_its_place_in_the_map() -> None:
    told = json.loads(MAP.read_text(encoding="utf-8"))
    assert set(told["rules"]) == {r.id for r in rules()}
    assert told["command"] == (
        "agentdb check --format json --pg-version {pg_version} {wrap} --schema-dir {setup_dir} {files}"
    )
    assert (told["wrap_flag"], told["output"]["list"]) == ("--in-transaction", "findings")
