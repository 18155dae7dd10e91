"""A stand-in for GitHub's and GitLab's APIs: real HTTP on the loopback address, comments kept in memory, every request
recorded, and answers that go wrong on demand."""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "ghs_verysecretcanary0123456789"
BOT = "github-actions[bot]"
GITHUB = re.compile(r"/repos/(?P<repo>[^/]+/[^/]+)/(?P<rest>.+)")
GITLAB = re.compile(r"/api/v4/projects/(?P<repo>[^/]+)/merge_requests/(?P<number>\d+)(?P<rest>/notes(?:/\d+)?)?")


class Forge:
    """A running stand-in. pulls: number -> (sha, repository, branch). comments: number -> list of {id, author, body}.

    wrong: answers given instead, first come first served: (method, status, headers); "lost" as the status does the
    work and then answers 502. user: who the token belongs to, "" for one that may not ask.
    """

    def __init__(self) -> None:
        self.pulls: dict[int, tuple[str, str, str]] = {}
        self.comments: dict[int, list[dict[str, Any]]] = {}
        self.wrong: list[tuple[str, int | str, dict[str, str]]] = []
        self.requests: list[dict[str, Any]] = []
        self.kept: dict[int, Any] = {}  # by job: what it kept
        self.user = ""
        self.next_id = 1000
        forge = self

        class Handler(_Handler):
            owner = forge

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def add(self, number: int, author: str, body: str) -> dict[str, Any]:
        """A comment of somebody's."""
        self.next_id += 1
        made = {"id": self.next_id, "author": author, "body": body}
        self.comments.setdefault(number, []).append(made)
        return made

    def sent(self, method: str) -> list[str]:
        """The paths that were asked for by a method."""
        return [r["path"] for r in self.requests if r["method"] == method]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@contextlib.contextmanager
def forging() -> Iterator[Forge]:
    """A stand-in for the length of a block."""
    made = Forge()
    try:
        yield made
    finally:
        made.close()


class _Handler(BaseHTTPRequestHandler):
    owner: Forge
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def do_PATCH(self) -> None:
        self._answer("PATCH")

    def do_PUT(self) -> None:
        self._answer("PUT")

    def _answer(self, method: str) -> None:
        parts = urlsplit(self.path)
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        query = {k: v[0] for k, v in parse_qs(parts.query).items()}
        self.owner.requests.append(
            {"method": method, "path": parts.path, "query": query, "headers": dict(self.headers), "body": body}
        )
        lost = False
        if self.owner.wrong and self.owner.wrong[0][0] == method:
            _, status, headers = self.owner.wrong.pop(0)
            if status != "lost":
                return self._send(int(status), {"message": f"go away, {TOKEN}"}, headers)
            lost = True
        status, value = self._do(method, parts.path, query, body)
        return self._send(502, {"message": "bad gateway"}, {}) if lost else self._send(status, value, {})

    def _do(self, method: str, path: str, query: dict[str, str], body: dict[str, Any]) -> tuple[int, Any]:
        secret = self.headers.get("Authorization") == f"Bearer {TOKEN}" or self.headers.get("PRIVATE-TOKEN") == TOKEN
        if not secret:
            return 401, {"message": "Bad credentials"}
        if path in ("/user", "/api/v4/user"):
            if not self.owner.user:
                return 403, {"message": "Resource not accessible by integration"}
            return 200, {"login": self.owner.user, "username": self.owner.user}
        if found := re.fullmatch(r"/api/v4/projects/5/pipelines/(\d+)/jobs", path):
            return 200, [{"id": 1, "name": "lint"}, {"id": 200 + int(found[1]), "name": "agentdb"}]
        if found := re.fullmatch(r"/api/v4/projects/5/jobs/(\d+)/artifacts/agentdb-pr.json", path):
            kept = self.owner.kept.get(int(found[1]))
            return (200, kept) if kept is not None else (404, {"message": "404 Not found"})
        if found := GITLAB.fullmatch(path):
            return self._gitlab(method, int(found["number"]), found["rest"] or "", query, body)
        if found := GITHUB.fullmatch(path):
            return self._github(method, found["rest"], query, body)
        return 404, {"message": "Not Found"}

    def _github(self, method: str, rest: str, query: dict[str, str], body: dict[str, Any]) -> tuple[int, Any]:
        if (pull := re.fullmatch(r"pulls/(\d+)", rest)) and int(pull[1]) in self.owner.pulls:
            sha, repository, branch = self.owner.pulls[int(pull[1])]
            return 200, {"head": {"sha": sha, "ref": branch, "repo": {"full_name": repository}}}
        if found := re.fullmatch(r"issues/(\d+)/comments", rest):
            if method == "POST":
                return 201, _github(self.owner.add(int(found[1]), self.owner.user or BOT, body["body"]))
            return 200, [_github(c) for c in _page(self.owner.comments.get(int(found[1]), []), query)]
        if (found := re.fullmatch(r"issues/comments/(\d+)", rest)) and (one := self._comment(int(found[1]))):
            one["body"] = body["body"]
            return 200, _github(one)
        return 404, {"message": "Not Found"}

    def _gitlab(
        self, method: str, number: int, rest: str, query: dict[str, str], body: dict[str, Any]
    ) -> tuple[int, Any]:
        if number not in self.owner.pulls:
            return 404, {"message": "404 Not found"}
        if not rest:
            sha, _, branch = self.owner.pulls[number]
            return 200, {"sha": sha, "source_branch": branch, "head_pipeline": {"id": 30 + number, "project_id": 5}}
        if method == "POST":
            return 201, _gitlab(self.owner.add(number, self.owner.user, body["body"]))
        if method == "PUT" and (one := self._comment(int(rest.rpartition("/")[2]))):
            one["body"] = body["body"]
            return 200, _gitlab(one)
        return 200, [_gitlab(c) for c in _page(self.owner.comments.get(number, []), query)]

    def _comment(self, id: int) -> dict[str, Any] | None:
        return next((c for all in self.owner.comments.values() for c in all if c["id"] == id), None)

    def _send(self, status: int, value: Any, headers: dict[str, str]) -> None:
        data = json.dumps(value).encode()
        with contextlib.suppress(ConnectionError):
            self.send_response(status)
            for name, text in {"Content-Type": "application/json", "Content-Length": str(len(data)), **headers}.items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(data)


def _page(every: list[dict[str, Any]], query: dict[str, str]) -> list[dict[str, Any]]:
    per, page = int(query.get("per_page", 30)), int(query.get("page", 1))
    return every[(page - 1) * per : page * per]


def _github(c: dict[str, Any]) -> dict[str, Any]:
    url = f"https://github.example/c/{c['id']}"
    return {"id": c["id"], "user": {"login": c["author"]}, "body": c["body"], "html_url": url}


def _gitlab(c: dict[str, Any]) -> dict[str, Any]:
    return {"id": c["id"], "author": {"username": c["author"]}, "body": c["body"], "system": False}
