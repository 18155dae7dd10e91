"""agentdb rollback draft: the way back of a migration, drafted and proven."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import typer

from .options import DSN_ENV, FILE, FORMAT, HISTORY, REPLAY, ROWS, TARGET
from .staging import before
from .writing import show, write


def draft(
    file: Path = FILE,
    target: str = TARGET,
    replay: bool = REPLAY,
    dsn_env: str = DSN_ENV,
    history: Path = HISTORY,
    out: Path = typer.Option(
        None, "--out", help="Write the rollback here (default: the project's migrations/rollback)."
    ),
    pre: Path = typer.Option(
        None, "--pre", help="Write the capture script here, made to run on its own just before the migration."
    ),
    no_data: bool = typer.Option(False, "--no-data", help="Undo the schema only; keep no copies of rows."),
    force: bool = typer.Option(False, "--force", help="Overwrite a rollback that is there."),
    rows: int = ROWS,
    format: Literal["text", "json"] = FORMAT,
) -> None:
    """Draft the rollback of a migration, prove it in the sandbox, and write it."""
    from ...tools.rollback.rehearse import rehearse

    with before(file, target, replay, dsn_env, history, rows) as (migration, server, stage, own):
        made = rehearse(
            server, stage.database, migration, data=not no_data, together=False if pre else None, in_place=not own
        )
    paths = write(file, migration, made.text, made.capture_text, out, pre, force)
    show(made.certificate, migration, paths, (*stage.notes, *made.draft.notes), format, made.text)
    raise typer.Exit(3 if made.certificate.klass.value == "IMPOSSIBLE" else 0)
