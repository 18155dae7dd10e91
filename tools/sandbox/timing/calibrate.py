"""How fast this server carries out the statements of a migration, on rows of these very tables, at two sizes.

Two sizes tell what a statement costs in any case from what each row costs. The statements themselves are run, so a
rewrite, a validation, an index or an UPDATE is measured with the table's own columns, indexes and triggers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..runs import SandboxRun, StatementRun
from ..swell import parents_of, root_of, swell
from .volumes import Volume, read

if TYPE_CHECKING:
    from ..databases import SandboxDatabase
    from ..server import SandboxServer

LARGE = 50_000  # rows of each table in the larger of the two runs; the smaller has a tenth
LEAST = 2_000
QUICK = 500.0  # milliseconds


@dataclass(frozen=True, slots=True)
class Sample:
    """One run. ms: of each statement by its index; those that did not run are left out. volumes: the tables before."""

    ms: dict[int, float]
    volumes: dict[str, Volume]
    rows_told: dict[int, int]


@dataclass(frozen=True, slots=True)
class Calibration:
    """small, large: runs at the two sizes, the large one more than once. problem: why there are none."""

    small: Sample | None = None
    large: tuple[Sample, ...] = ()
    problem: str = ""


def worked(statement: StatementRun) -> tuple[str, ...]:
    """The tables that were there and on whose rows a statement works."""
    builds = (b.table for b in statement.index_builds if b.existed_before)
    written = (name for name, *_ in statement.written)
    old = {lock.relation for lock in (*statement.locks, *statement.held) if lock.existed_before}
    names = [*statement.rewrites, *statement.scans, *builds, *(name for name in written if name in old)]
    return tuple(dict.fromkeys(names))


def calibrate(
    server: SandboxServer,
    start: SandboxDatabase,
    carry: Callable[[SandboxDatabase], SandboxRun],
    run: SandboxRun,
    *,
    large: int = LARGE,
    repeat: int = 4,
) -> Calibration:
    """A script's statements, timed on copies of `start` (the state before it, with rows that it accepts).

    carry: runs the script in a database. run: what it did there; nothing is timed when it does no work on rows.
    repeat: how often at the most the large size is run: twice in any case, and more often while that is a matter of
    half a second, since short times are the ones that chance distorts. Errors: SandboxError, DatabaseError when copies
    cannot be made.
    """
    sizes = (large // 10, large)
    tables = tuple(dict.fromkeys(name for s in run.statements for name in worked(s)))
    if not run.ok or not tables:
        return Calibration(problem="" if run.ok else "the migration does not run in the sandbox")
    samples: list[Sample] = []
    for size in sizes:
        with server.clone(start) as grown:
            problem, volumes = _grown(grown, tables, size)
            if problem:
                return Calibration(problem=problem)
            quick = 0.0
            for turn in range(1 if size == sizes[0] else repeat):
                if turn >= 2 and quick > QUICK:
                    break
                with server.clone(grown) as copy:
                    done = carry(copy)
                if not done.ok:
                    return Calibration(problem=f"on {size:,} rows it does not run: {done.error.split(': ', 1)[-1]}")
                samples.append(_sample(done, volumes))
                quick += sum(samples[-1].ms.values())
    return Calibration(samples[0], tuple(samples[1:]))


def _grown(database: SandboxDatabase, tables: Sequence[str], size: int) -> tuple[str, dict[str, Volume]]:
    """Grow the tables and those that belong to them; (why that failed, their volumes)."""
    with database.connect() as connection:
        roots = [root_of(connection, title) for title in tables]
        made = swell(connection, size, tables=(*roots, *parents_of(connection, roots)))
        for title in dict.fromkeys(roots):
            if made.rows.get(title, size) < size * 0.9:
                return f"no {size:,} rows can be made in {title}: {made.skipped.get(title, 'too few')}", {}
        for title in made.rows:
            connection.execute(f"VACUUM (ANALYZE) {title}".encode())  # rows as old as production's
        connection.execute(b"CHECKPOINT")
        return "", read(connection, tables)


def _sample(run: SandboxRun, volumes: dict[str, Volume]) -> Sample:
    ran = [s for s in run.statements if s.ok and not s.skipped]
    return Sample({s.index: s.ms for s in ran}, volumes, {s.index: s.rows for s in ran if s.rows is not None})
