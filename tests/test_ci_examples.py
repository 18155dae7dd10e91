"""The workflows of docs/ci: they parse, the job with somebody else's files has nothing to give away, and the one with
a token has none of those files."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from agentdb.cli.pr import pr

yaml = pytest.importorskip("yaml")
FOLDER = Path(__file__).resolve().parents[1] / "docs/ci"
EXAMPLES = sorted(FOLDER.glob("*.yml"))
GITHUB = [p for p in EXAMPLES if p.name.startswith("agentdb-")]


def load(path: Path) -> dict[Any, Any]:
    found: dict[Any, Any] = yaml.safe_load(path.read_text())
    if True in found:  # YAML 1.1 takes the word "on" for a truth
        found["on"] = found.pop(True)
    return found


def steps(flow: dict[Any, Any]) -> list[dict[str, Any]]:
    return [step for job in flow["jobs"].values() for step in job["steps"]]


def scripts(path: Path) -> list[str]:
    flow = load(path)
    if "jobs" in flow:
        return [step["run"] for step in steps(flow) if "run" in step]
    return ["\n".join(job["script"]) for job in flow.values() if "script" in job]


def test_there_are_examples() -> None:
    assert [p.name for p in EXAMPLES] == [
        "agentdb-check.yml", "agentdb-comment.yml", "gitlab-check.yml", "gitlab-comment.yml",
    ]  # fmt: skip


def test_the_job_with_the_files_has_nothing_to_give_away() -> None:
    flow = load(FOLDER / "agentdb-check.yml")
    assert list(flow["on"]) == ["pull_request"] and flow["permissions"] == {"contents": "read"}
    assert all("permissions" not in job and "env" not in job for job in flow["jobs"].values())
    (checkout,) = [s for s in steps(flow) if s.get("uses", "").startswith("actions/checkout@")]
    assert checkout["with"]["persist-credentials"] is False and checkout["with"]["fetch-depth"] == 0
    text = (FOLDER / "agentdb-check.yml").read_text()
    assert "secrets." not in text and "github.token" not in text and "TOKEN" not in text
    assert any("--no-write" in run and "--no-model" in run for run in scripts(FOLDER / "agentdb-check.yml"))


def test_the_job_with_the_token_has_none_of_the_files() -> None:
    flow, check = load(FOLDER / "agentdb-comment.yml"), load(FOLDER / "agentdb-check.yml")
    assert list(flow["on"]) == ["workflow_run"] and flow["on"]["workflow_run"]["workflows"] == [check["name"]]
    assert flow["permissions"] == {}
    assert flow["jobs"]["comment"]["permissions"] == {"actions": "read", "pull-requests": "write"}
    assert not [s for s in steps(flow) if "checkout" in s.get("uses", "")]
    assert not re.search(r"\bgit\b", "\n".join(scripts(FOLDER / "agentdb-comment.yml")))
    (download,) = [s for s in steps(flow) if "download-artifact" in s.get("uses", "")]
    (upload,) = [s for s in steps(check) if "upload-artifact" in s.get("uses", "")]
    assert download["with"]["name"] == upload["with"]["name"]
    assert download["with"]["path"].startswith("${{ runner.temp }}/")  # outside of every folder that code runs from


@pytest.mark.parametrize("path", GITHUB, ids=lambda p: p.name)
def test_nothing_of_an_event_is_put_into_a_script(path: Path) -> None:
    text = path.read_text()
    assert "pull_request_target" not in text
    assert not [run for run in scripts(path) if "${{" in run]
    for step in steps(load(path)):
        if "uses" in step:
            assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", step["uses"]), step["uses"]
            assert re.search(re.escape(step["uses"]) + r" # v\d+\.\d+\.\d+$", text, re.MULTILINE)


def test_gitlabs_job_with_the_files_names_no_token() -> None:
    lines = [x for x in (FOLDER / "gitlab-check.yml").read_text().splitlines() if not x.startswith("#")]
    assert "TOKEN" not in "\n".join(lines)
    (job,) = load(FOLDER / "gitlab-comment.yml").values()
    assert job["rules"] == [{"if": '$CI_PIPELINE_SOURCE == "trigger"'}]
    assert "git " not in "\n".join(job["script"])


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.name)
def test_every_flag_exists_and_the_package_is_the_one(path: Path) -> None:
    group: Any = typer.main.get_command(pr)
    known = {"": group, "post": group.commands["post"]}
    calls = [m[0] for run in scripts(path) for m in re.finditer(r"agentdb pr(?:\\\n|[^\n])*", run)]
    assert calls
    for call in calls:
        words = shlex.split(call.replace("\\\n", " "))
        command = known["post" if words[2] == "post" else ""]
        flags = {option for parameter in command.params for option in parameter.opts}
        assert {w for w in words if w.startswith("--")} <= flags
    (install,) = {line for run in scripts(path) for line in run.splitlines() if "pip install" in line}
    assert install == "python -m pip install --disable-pip-version-check agentdb"
