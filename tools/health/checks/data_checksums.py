"""data-checksums: pages that came back from the disk other than they were written."""

from __future__ import annotations

from .. import wording
from ..registry import Ask, check
from ..result import Advice, Outcome, bad, ok


@check(
    "data-checksums",
    title="Data checksums",
    question="Did a page fail its checksum?",
    source='PostgreSQL manual, "Data Checksums"; pg_stat_database.checksum_failures',
)
def data_checksums(ask: Ask) -> Outcome:
    """bad for any failure. Without checksums ok, with a note: nobody would see a failure."""
    found = ask.rows()
    failed = [r for r in found if (r["failures"] or 0) > 0]
    if failed:
        total = sum(r["failures"] for r in failed)
        advice = Advice(
            "Stop migrating. Take a backup of the files as they are, look at the disk, and restore from a good backup."
        )
        return bad(f"{wording.count(total, 'page')} failed the checksum in {failed[0]['database']}", failed, [advice])
    if not found[0]["enabled"]:
        return ok("data checksums are off: a damaged page would not be noticed", [{"enabled": False}])
    return ok("no checksum failure")
