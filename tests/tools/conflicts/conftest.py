"""A project on disk in a line: files by folder and name, with what is found in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from agentdb.tools.conflicts.case import Branch, Case, LedgerRow
from agentdb.tools.conflicts.find import archived_files, case_of, conflicts_of, rollback_files
from agentdb.tools.files import Layout, discover
from agentdb.tools.naming import checksum
from agentdb.tools.records import Finding


@dataclass(frozen=True)
class Row:
    """A row of the ledger as far as conflicts read it."""

    version: str
    name: str
    checksum: str
    status: str = "applied"


@dataclass(frozen=True)
class Project:
    layout: Layout

    def write(self, files: Mapping[str, str]) -> Project:
        for name, text in files.items():
            path = self.layout.base / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")
        return self

    def case(self, ledger: Sequence[LedgerRow] = (), branch: Branch | None = None) -> Case:
        return case_of(
            discover(self.layout),
            ledger,
            rollback_files(self.layout),
            archived=archived_files(self.layout),
            branch=branch,
            root=self.layout.root,
        )

    def findings(self, ledger: Sequence[LedgerRow] = (), branch: Branch | None = None) -> tuple[Finding, ...]:
        return conflicts_of(self.case(ledger, branch))

    def rules(self, ledger: Sequence[LedgerRow] = (), branch: Branch | None = None) -> list[str]:
        return sorted(f.rule.removeprefix("conflict-") for f in self.findings(ledger, branch))

    def names(self) -> set[str]:
        return {p.relative_to(self.layout.base).as_posix() for p in self.layout.base.rglob("*.sql")}


@pytest.fixture
def project(tmp_path: Path) -> Callable[[Mapping[str, str]], Project]:
    """project({"pending/001_a.sql": "..."}) writes the files below migrations/."""
    return lambda files: Project(Layout(tmp_path)).write(files)


def row(label: str, sql: str, status: str = "applied") -> Row:
    version, _, name = label.partition("_")
    return Row(version, name, checksum(sql), status)
