"""Findings with everything that an output needs: counts, the verdict, where they come from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from ..records import Evidence, Finding, Proof, Severity
from .run import counts

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Report:
    """What a command found.

    fail_on: "info", "warning", "error" or "never". paths: the files looked at. measured: the sandbox ran them.
    notes: what a reader should know besides, such as why nothing was measured.
    """

    findings: tuple[Finding, ...]
    evidence: tuple[Evidence, ...] = ()
    paths: tuple[str, ...] = ()
    statements: int = 0
    fail_on: str = "error"
    pg_version: int = 18
    measured: bool = False
    notes: tuple[str, ...] = ()

    @property
    def counting(self) -> tuple[Finding, ...]:
        """The findings that may fail the check."""
        return tuple(f for f in self.findings if counts(f))

    @property
    def refuted(self) -> tuple[Finding, ...]:
        """Those that the sandbox saw not to happen."""
        return tuple(f for f in self.findings if f.proof is Proof.REFUTED and not f.ignored)

    @property
    def ignored(self) -> tuple[Finding, ...]:
        """Those that a comment in the file ignores."""
        return tuple(f for f in self.findings if f.ignored)

    @property
    def failing(self) -> tuple[Finding, ...]:
        """Those at or above fail_on."""
        if self.fail_on == "never":
            return ()
        least = Severity(self.fail_on).rank
        return tuple(f for f in self.counting if f.severity.rank >= least)

    @property
    def passed(self) -> bool:
        """Whether nothing counts against the migrations."""
        return not self.failing

    def by_severity(self, findings: Iterable[Finding] | None = None) -> dict[str, int]:
        """How many findings there are of each severity, the worst first."""
        found = Counter(f.severity.value for f in (self.counting if findings is None else findings))
        return {s.value: found[s.value] for s in reversed(Severity)}

    def by_proof(self) -> dict[str, int]:
        """How many findings are confirmed, refuted and unknown, ignored ones left out."""
        found = Counter(f.proof.value for f in self.findings if not f.ignored)
        return {p.value: found[p.value] for p in Proof}
