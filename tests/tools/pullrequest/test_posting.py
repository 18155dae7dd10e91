"""One comment, ours, on the right pull request, whatever the service and the artifact do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.forge import BOT, TOKEN, Forge, forging

from agentdb.cli.pr.posting import own_number, post, post_kept
from agentdb.errors import ConfigError, RefusedError, UsageError
from agentdb.tools.pullrequest import http
from agentdb.tools.pullrequest.comment import MARKER, comment
from agentdb.tools.pullrequest.http import ServiceError, Token
from agentdb.tools.pullrequest.record import Base, Entry, Judgement, Record, as_json

SHA = "a" * 40
AGAIN = {"Retry-After": "0"}
RECORD = Record(
    "1.0",
    "shop",
    Base("origin/main", SHA, SHA, SHA),
    Judgement("look", ("one thing",)),
    number=7,
    migrations=(Entry("002_a", "migrations/pending/002_a.sql", "added", ok=True),),
)


@pytest.fixture
def forge() -> Iterator[Forge]:
    with forging() as made:
        made.pulls = {7: (SHA, "fork/shop", "feature"), 8: ("b" * 40, "acme/shop", "other")}
        yield made


def job(forge: Forge, tmp_path: Path, **changed: object) -> dict[str, str]:
    """The environment of a workflow_run job."""
    run = {
        "event": "pull_request",
        "head_sha": SHA,
        "head_branch": "feature",
        "head_repository": {"full_name": "fork/shop"},
        "html_url": "https://github.example/acme/shop/actions/runs/5",
        **changed,
    }
    (tmp_path / "event.json").write_text(json.dumps({"workflow_run": run}))
    return {
        "GITHUB_API_URL": forge.url,
        "GITHUB_TOKEN": TOKEN,
        "GITHUB_REPOSITORY": "acme/shop",
        "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
    }


def lab(forge: Forge) -> dict[str, str]:
    return {
        "GITLAB_CI": "true",
        "CI_API_V4_URL": f"{forge.url}/api/v4",
        "GITLAB_TOKEN": TOKEN,
        "CI_PROJECT_PATH": "acme/shop",
        "CI_MERGE_REQUEST_IID": "7",
        "CI_COMMIT_SHA": SHA,
    }


@pytest.mark.parametrize("service", ["github", "gitlab"])
def test_the_second_run_edits_the_comment_of_the_first(service: str, forge: Forge, tmp_path: Path) -> None:
    environ = job(forge, tmp_path) if service == "github" else lab(forge)
    forge.user = "" if service == "github" else "robot"
    assert "comment written" in post(RECORD, environ=environ)
    assert "comment unchanged" in post(RECORD, environ=environ)
    changed = Record("1.0", "shop", RECORD.base, Judgement("blocked", ("two",)), number=7, migrations=RECORD.migrations)
    assert "comment edited" in post(changed, environ=environ)
    assert len(forge.comments[7]) == 1
    body = forge.comments[7][0]["body"]
    assert body.startswith(f"{MARKER}\n") and "not ready to merge" in body
    assert len(forge.sent("POST")) == 1 and len(forge.sent("PATCH" if service == "github" else "PUT")) == 1
    if service == "github":
        assert "[the job](https://github.example/acme/shop/actions/runs/5)" in body


def test_a_marker_in_somebody_elses_comment_is_left_alone(forge: Forge, tmp_path: Path) -> None:
    forged = forge.add(7, "mallory", comment(RECORD))
    forge.add(7, BOT, f"about {MARKER} itself")
    assert "comment written" in post(RECORD, environ=job(forge, tmp_path))
    assert forge.sent("PATCH") == [] and forged["body"] == comment(RECORD)
    assert len(forge.comments[7]) == 3


def test_the_comment_is_found_on_the_second_page(forge: Forge, tmp_path: Path) -> None:
    for n in range(130):
        forge.add(7, "ada", f"talk {n}")
    ours = forge.add(7, BOT, f"{MARKER}\r\nold")
    assert "comment edited" in post(RECORD, environ=job(forge, tmp_path))
    assert forge.sent("PATCH") == [f"/repos/acme/shop/issues/comments/{ours['id']}"]


@pytest.mark.parametrize(
    ("number", "run"),
    [
        (8, {}),
        (7, {"head_sha": "c" * 40}),
        (7, {"head_repository": {"full_name": "mallory/shop"}}),
        (7, {"head_branch": "elsewhere"}),
    ],
)
def test_another_pull_request_than_the_jobs_is_refused(
    number: int, run: dict[str, object], forge: Forge, tmp_path: Path
) -> None:
    with pytest.raises(RefusedError) as told:
        post(RECORD, number=number, environ=job(forge, tmp_path, **run))
    assert told.value.reason == "wrong-pull-request" and told.value.exit_code == 4
    assert {r["method"] for r in forge.requests} == {"GET"} and forge.comments == {}


def test_a_run_that_was_for_no_pull_request_posts_nothing(forge: Forge, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not for a pull request"):
        post(RECORD, environ=job(forge, tmp_path, event="push"))
    assert forge.requests == []


def test_without_a_commit_to_compare_nothing_is_posted(forge: Forge) -> None:
    environ = {"GITHUB_API_URL": forge.url, "GITHUB_TOKEN": TOKEN, "GITHUB_REPOSITORY": "acme/shop"}
    with pytest.raises(UsageError, match="which commit"):
        post(RECORD, environ=environ)
    assert "comment written" in post(RECORD, head=SHA, environ=environ)


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_reading_is_tried_again(status: int, forge: Forge, tmp_path: Path) -> None:
    forge.wrong = [("GET", status, AGAIN)] * 3
    assert "comment written" in post(RECORD, environ=job(forge, tmp_path))


def test_a_limit_told_with_403_is_waited_for(forge: Forge, tmp_path: Path) -> None:
    forge.wrong = [("POST", 403, {**AGAIN, "x-ratelimit-remaining": "0"})]
    assert "comment written" in post(RECORD, environ=job(forge, tmp_path))


def test_an_answer_that_was_lost_makes_no_second_comment(forge: Forge, tmp_path: Path) -> None:
    forge.wrong = [("POST", "lost", {})]
    assert "comment unchanged" in post(RECORD, environ=job(forge, tmp_path))
    assert len(forge.comments[7]) == 1


def test_a_comment_that_was_not_written_is_written_again(forge: Forge, tmp_path: Path) -> None:
    forge.wrong = [("POST", 500, {})]
    assert "comment written" in post(RECORD, environ=job(forge, tmp_path))
    assert len(forge.comments[7]) == 1


@pytest.mark.parametrize("status", [401, 403, 404, 301, 500])
def test_what_the_service_refuses_is_told_without_the_token(status: int, forge: Forge, tmp_path: Path) -> None:
    forge.wrong = [("GET", status, {**AGAIN, "x-ratelimit-remaining": "10", "Location": "http://127.0.0.1:1/"})] * 4
    if status == 403:
        forge.wrong = [("POST", 403, {})]
    with pytest.raises(ServiceError) as told:
        post(RECORD, environ=job(forge, tmp_path))
    words = f"{told.value} {told.value.hint} {told.value!r}"
    assert str(status) in words and TOKEN not in words
    assert told.value.exit_code == 3


def test_waiting_is_bounded(monkeypatch: pytest.MonkeyPatch, forge: Forge, tmp_path: Path) -> None:
    waited: list[float] = []
    real = http.Api.__init__

    def quick(self: http.Api, *arguments: object, **named: object) -> None:
        real(self, *arguments, **named)  # type: ignore[arg-type]
        self.sleep = waited.append

    monkeypatch.setattr(http.Api, "__init__", quick)
    forge.wrong = [
        ("GET", 429, {"Retry-After": "86400"}),
        ("GET", 503, {"Retry-After": "Wed, 21 Oct 2065 07:28:00 GMT"}),
    ]
    post(RECORD, environ=job(forge, tmp_path))
    assert waited == [60.0, 2.0]


def test_nothing_to_say_writes_no_comment_but_corrects_one(forge: Forge, tmp_path: Path) -> None:
    nothing = Record("1.0", "shop", RECORD.base, Judgement("nothing"), number=7)
    environ = job(forge, tmp_path)
    assert "no comment to correct" in post(nothing, environ=environ)
    post(RECORD, environ=environ)
    assert "comment edited" in post(nothing, environ=environ)
    assert "no migrations changed" in forge.comments[7][0]["body"]


def test_the_token_goes_to_the_api_alone(forge: Forge, tmp_path: Path) -> None:
    environ = job(forge, tmp_path)
    for url in ("http://api.example.org", "https://user@api.example.org", "ftp://x", "https://x/?a=b"):
        with pytest.raises(ConfigError, match="no address of an API"):
            post(RECORD, environ={**environ, "GITHUB_API_URL": url})
    with pytest.raises(ConfigError, match="no token"):
        post(RECORD, environ={**environ, "GITHUB_TOKEN": ""})
    for repository in ("acme", "../x", "a/b/c", "acme/..", "acme/shop?x"):
        with pytest.raises(UsageError, match="not a repository"):
            post(RECORD, repo=repository, environ=environ)
    assert TOKEN not in repr(Token(TOKEN)) and forge.requests == []


def test_gitlab_gives_the_record_of_that_very_merge_request(forge: Forge, tmp_path: Path) -> None:
    forge.user = "robot"
    forge.kept[237] = json.loads(as_json(RECORD))
    payload = tmp_path / "payload.json"
    environ = {"CI_API_V4_URL": f"{forge.url}/api/v4", "GITLAB_TOKEN": TOKEN, "TRIGGER_PAYLOAD": str(payload)}
    for told, word in (
        ({"object_attributes": {"status": "running"}, "merge_request": {"iid": 7}}, "nothing to do"),
        ({"object_attributes": {"status": "success"}, "merge_request": None}, "nothing to do"),
        ({"object_attributes": {"status": "failed"}, "merge_request": {"iid": 7}}, "comment written"),
    ):
        payload.write_text(json.dumps(told))
        assert word in post_kept("agentdb", repo="acme/shop", environ=environ)
    assert forge.comments[7][0]["body"].startswith(MARKER)
    with pytest.raises(ServiceError, match="404"):
        post_kept("agentdb", repo="acme/shop", number=8, environ=environ)
    forge.kept[238] = {"schema_version": 1}
    with pytest.raises(UsageError, match="no record"):
        post_kept("agentdb", repo="acme/shop", number=8, environ=environ)
    assert 8 not in forge.comments


def test_the_number_comes_from_the_job(tmp_path: Path) -> None:
    (tmp_path / "e.json").write_text(json.dumps({"pull_request": {"number": 12}}))
    assert own_number({"GITHUB_EVENT_PATH": str(tmp_path / "e.json")}) == 12
    assert own_number({"GITHUB_REF": "refs/pull/13/merge"}) == 13
    assert own_number({"CI_MERGE_REQUEST_IID": "14"}) == 14
    assert own_number({}) == 0
