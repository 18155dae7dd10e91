"""agentdb rollback draft --let-model-draft: a model as last resort, and nothing else changed by it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.stub import Stub, serving

from agentdb.cli.app import main
from agentdb.tools.sandbox.server import SandboxServer

Run = Callable[..., tuple[int, str, str]]

PENDING = "migrations/pending/002_free.sql"
WRITTEN = Path("migrations/rollback/002_free.sql")
GOOD = """DROP TABLE public.child;
CREATE TABLE public.child (size integer, id integer, note text);
CREATE STATISTICS public.child_sizes ON size, note FROM public.child;
INSERT INTO public.child (id, note, size) SELECT id, note, size FROM agentdb_archive.m002_child;
"""


@pytest.fixture
def run(
    server: SandboxServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Run the command line in a project whose second migration cannot be undone by drafting."""
    monkeypatch.chdir(tmp_path)
    for name in [n for n in os.environ if n.startswith(("AGENTDB_", "OPENAI_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AGENTDB_SANDBOX_DSN", server.dsn.reveal())
    for folder in ("pending", "applied", "rollback", "archived"):
        Path("migrations", folder).mkdir(parents=True)
    Path("agentdb.toml").write_text("[sandbox]\nrows = 4\n")
    Path("migrations/applied/001_family.sql").write_text(
        "CREATE TABLE child (size int, id int, note text);\nCREATE STATISTICS child_sizes ON size, note FROM child;\n"
    )
    Path(PENDING).write_text("DELETE FROM ONLY child;\nALTER TABLE child DROP COLUMN size;\n")

    def call(*arguments: str) -> tuple[int, str, str]:
        try:
            main(["rollback", "draft", PENDING, "--replay", *arguments])
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    with serving() as found:
        monkeypatch.setenv("OPENAI_BASE_URL", found.url)
        monkeypatch.setenv("OPENAI_API_KEY", "k")
        yield found


def test_a_model_is_asked_only_when_somebody_says_so(run: Run, stub: Stub) -> None:
    code, out, err = run("--force")
    assert (code, err) == (3, "")
    assert out.startswith("IMPOSSIBLE")
    plain = WRITTEN.read_text()
    assert stub.requests == []

    stub.answers[:] = [json.dumps({"sql": GOOD})]
    code, out, err = run("--force", "--let-model-draft")
    assert (code, err) == (0, "")
    assert out.startswith("SCHEMA_ONLY: ")
    assert "a model drafted 1 of 1 rollback that could not be proven: 1 accepted by proof, 0 refused" in " ".join(
        out.split()
    )
    assert "CREATE TABLE public.child (size integer, id integer, note text);" in WRITTEN.read_text()
    assert "drafted by a model" in WRITTEN.read_text()

    Path("agentdb.toml").write_text("[sandbox]\nrows = 4\n[model]\ndraft_rollbacks = true\n")
    assert run("--force", "--no-model")[0] == 3
    assert (WRITTEN.read_text(), len(stub.requests)) == (plain, 1)
    stub.answers[:] = [json.dumps({"sql": GOOD})]
    assert run("--force")[0] == 0


@pytest.mark.parametrize("manners", ["lying", "dead", "hostile"])
def test_a_bad_model_changes_no_file_and_no_exit_code(
    run: Run, stub: Stub, manners: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("--force")[0] == 3
    files = {p: p.read_bytes() for p in Path("migrations/rollback").iterdir()}
    if manners == "hostile":
        stub.answers[:] = [json.dumps({"sql": f"{GOOD}; DROP DATABASE postgres", "proven": True})] * 3
    elif manners == "lying":
        stub.mode = "lying"
    else:
        monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    code, out, err = run("--force", "--let-model-draft", "--format", "json")
    assert (code, err) == (3, "")
    said = json.loads(out)
    assert said["certificate"]["klass"] == "IMPOSSIBLE"
    assert said["model_draft"]["accepted"] is False
    assert {p: p.read_bytes() for p in Path("migrations/rollback").iterdir()} == files


def test_a_private_database_is_not_for_several_tries(run: Run) -> None:
    code, _, err = run("--let-model-draft", "--dsn-env", "X")
    assert code == 2
    assert "sandbox of agentdb's own" in err
