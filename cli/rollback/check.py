"""agentdb rollback check: a rollback that is there, certified."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import typer

from .options import DSN_ENV, FILE, FORMAT, HISTORY, REPLAY, ROWS, TARGET
from .staging import before
from .writing import show


def check(
    file: Path = FILE,
    down: Path = typer.Option(None, "--down", help="The rollback (default: the one in migrations/rollback)."),
    pre: Path = typer.Option(None, "--pre", help="Its capture script, run on its own just before the migration."),
    target: str = TARGET,
    replay: bool = REPLAY,
    dsn_env: str = DSN_ENV,
    history: Path = HISTORY,
    rows: int = ROWS,
    format: Literal["text", "json"] = FORMAT,
) -> None:
    """Certify a rollback that is there, whoever wrote it. Exits with 1 when it loses rows, 3 when it is not proven."""
    from ...errors import UsageError
    from ...tools.files import read_text
    from ...tools.rollback.proof import prove

    with before(file, target, replay, dsn_env, history, rows) as (migration, server, stage, own):
        path = down or migration.rollback_path
        if path is None:
            raise UsageError(
                "this migration has no rollback to check",
                where=str(file),
                hint=f"Name it with --down, or write one: agentdb rollback draft {file}",
            )
        kept = pre or (migration.capture_path if down is None else None)
        certificate = prove(
            server,
            stage.database,
            migration,
            read_text(path),
            read_text(kept) if kept else "",
            together=pre is None,
            in_place=not own,
        )
    show(certificate, migration, {}, stage.notes, format, "")
    if certificate.klass.value == "IMPOSSIBLE" or not certificate.proven:
        raise typer.Exit(3)
    raise typer.Exit(1 if certificate.klass.value == "LOSSY" else 0)
