"""One migration drafted and proven in this process, for measuring: the same work as `agentdb rollback draft`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from ..databases.dsn import Dsn
from ..files import read_migration
from ..records import to_plain
from . import file
from .private import private_database
from .rehearse import rehearse


def draft_one(
    history: str, up: str, dsn: str, outdir: str, project: str = "", name: str = "", n: str = "", **_: Any
) -> dict[str, Any]:
    """The rollback, the capture script and the certificate of the migration in file `up`.

    dsn: a private database in the state before, which may be changed.
    """
    began = time.perf_counter()
    with private_database(Dsn(dsn)) as (server, database):
        done = rehearse(server, database, read_migration(Path(up)), together=False, in_place=True)
    return {
        "down": file.render(done.draft, done.certificate, done.migration),
        "pre": file.render_capture(done.draft, done.migration) or None,
        "meta": {
            "class": done.certificate.klass.value,
            "proven": done.certificate.proven,
            "reason": done.certificate.reason,
            "remaining": list(done.draft.remaining),
            "steps": to_plain(done.certificate.steps),
            "seconds": round(time.perf_counter() - began, 3),
        },
    }
