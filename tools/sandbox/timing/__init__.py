"""How long a migration would hold its locks on the target: measured rates, the target's sizes, a range."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .calibrate import LARGE, LEAST, Calibration, calibrate, worked
from .estimate import Hold, Timing, Work, estimate
from .volumes import Volume, of_target, read

if TYPE_CHECKING:
    from ...databases.dsn import Dsn
    from ..databases import SandboxDatabase
    from ..runs import SandboxRun
    from ..server import SandboxServer

__all__ = ["Hold", "Timing", "Volume", "Work", "calibrate", "estimate", "read", "timing", "worked"]


def timing(
    server: SandboxServer,
    start: SandboxDatabase,
    carry: Callable[[SandboxDatabase], SandboxRun],
    run: SandboxRun,
    target: Dsn,
    *,
    alone: bool = False,
    most: int = LARGE,
) -> Timing:
    """How long a script that ran in the sandbox would work, and hold its locks, on the target.

    start: the state before it, with rows that it accepts; no session may be open in it. carry: runs the script in a
    database. alone: each statement commits by itself. most: rows of each table in the larger of the two runs. Nothing is
    measured for tables whose size on the target is not known. Errors: DatabaseError when the target cannot be reached, SandboxError.
    """
    heavy = {name for s in run.statements for name in worked(s)}
    locked = {lock.relation for s in run.statements for lock in s.locks if lock.existed_before}
    volumes = of_target(target, heavy | locked) if heavy | locked else {}
    counts = [volumes[name].rows if name in volumes else None for name in heavy]
    known = [count for count in counts if count is not None]
    calibration = Calibration(problem="not measured")
    if heavy and known:
        calibration = calibrate(server, start, carry, run, large=min(most, max(LEAST, *known)))
    return estimate(run, calibration, volumes, alone=alone)
