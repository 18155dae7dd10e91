"""The crew with a model that may draft rollbacks: taken by proof, kept afterwards, and nothing else moved by it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.shop import SETTINGS, Shop
from support.stub import serving

from agentdb.agents.model import Model
from agentdb.config import ModelSettings
from agentdb.tools.sandbox.databases import SandboxDatabase

FAMILY = "CREATE TABLE child (size int, id int, note text);\nCREATE STATISTICS child_sizes ON size, note FROM child;\n"
FREE = "DELETE FROM ONLY child;\nALTER TABLE child DROP COLUMN size;\n"
GOOD = """DROP TABLE public.child;
CREATE TABLE public.child (size integer, id integer, note text);
CREATE STATISTICS public.child_sizes ON size, note FROM public.child;
INSERT INTO public.child (id, note, size) SELECT id, note, size FROM agentdb_archive.m004_child;
"""


@pytest.fixture
def family(tmp_path: Path, production: SandboxDatabase) -> Shop:
    settings = f"{SETTINGS}\n[model]\ndraft_rollbacks = true\n"
    made = Shop.make(tmp_path / "family", production.dsn, {"004_free": FREE}, settings)
    (made.layout.applied / "003_family.sql").write_text(FAMILY)
    return made


def test_what_a_model_drafts_is_counted_and_stays_when_the_proof_takes_it(family: Shop) -> None:
    script = family.layout.rollback / "004_free.sql"
    with serving("lying") as stub:
        model = Model("stub", stub.url, ModelSettings(timeout_seconds=20))
        with family.crew(target=None) as crew:
            without = crew.start("without", {}).state
        plain = script.read_text()
        with family.crew(target=None, model=model) as crew:
            lied = crew.start("lied", {}).state
        assert (lied["verdict"], script.read_text()) == (without["verdict"], plain)
        assert lied["rollbacks"][0]["class"] == "IMPOSSIBLE"
        assert [a["outcome"] for a in lied["rollbacks"][0]["model_draft"]["attempts"]] == ["no answer"] * 3

        stub.answers[:] = [json.dumps({"sql": GOOD})]
        with family.crew(target=None, model=model) as crew:
            standing = crew.start("good", {})
        found = standing.state["rollbacks"][0]
        assert (found["class"], found["proven"], found["written_by"]) == ("SCHEMA_ONLY", True, "a model")
        assert found["model_draft"]["accepted"] is True
        assert "drafted by a model" in script.read_text()

    with family.crew(target=None) as crew:
        again = crew.start("again", {}).state["rollbacks"][0]
    assert (again["class"], again["sha256"], again["written_by"]) == ("SCHEMA_ONLY", found["sha256"], "a model")
    assert again["model_draft"] == {}
