"""agentdb rollback draft: the way back of a migration, drafted and proven."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

from .cost import of_draft
from .options import DSN_ENV, FILE, FORMAT, HISTORY, REPLAY, ROWS, TARGET
from .staging import before
from .writing import show, write

if TYPE_CHECKING:
    from ...agents.rollback_draft import LastResort
    from ...tools.rollback.rehearse import Rehearsed
    from ...tools.sandbox.databases import SandboxDatabase
    from ...tools.sandbox.server import SandboxServer


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
    exact_order: bool = typer.Option(
        False,
        "--exact-order",
        help="Put columns back in their places too: such tables are made anew, their rows moved.",
    ),
    rows: int = ROWS,
    model: bool = typer.Option(
        None,
        "--let-model-draft/--no-model",
        help="Ask the model for a rollback that cannot be proven; kept only if its proof passes "
        "(default: model.draft_rollbacks).",
    ),
    show_prompts: bool = typer.Option(False, "--show-prompts", help="Print on stderr what is sent to the model."),
    format: Literal["text", "json"] = FORMAT,
) -> None:
    """Draft the rollback of a migration, prove it in the sandbox, and write it."""
    import gc

    gc.set_threshold(50_000, 20, 50)  # a short run that makes many lasting objects: a tenth of its time is collecting

    from ...errors import UsageError
    from ...tools.rollback.rehearse import rehearse

    if model and dsn_env:
        raise UsageError(
            "--let-model-draft needs a sandbox of agentdb's own: it tries several rollbacks from the same state",
            hint="Leave --dsn-env out; set sandbox.server_dsn_env to use a server of yours.",
        )
    with before(file, target, replay, dsn_env, history, rows) as (migration, server, stage, own):
        made = rehearse(
            server,
            stage.database,
            migration,
            data=not no_data,
            together=False if pre else None,
            in_place=not own,
            exact_order=exact_order,
        )
        last = _last_resort(server, stage.database, made, model, show_prompts) if own else None
        final = last.made if last else made
        copied = of_draft(server, target, final.capture_text) if own and not (replay or history) else None
    told, more = _told(last)
    made = final
    if copied is not None:
        more["cost"] = copied.plain
    paths = write(file, migration, made.text, made.capture_text, out, pre, force)
    show(made.certificate, migration, paths, (*stage.notes, *made.draft.notes, *told), format, made.text, more)
    if copied is not None and format == "text":
        copied.say(migration.label, file)
    raise typer.Exit(3 if made.certificate.klass.value == "IMPOSSIBLE" else 0)


def _last_resort(
    server: SandboxServer, database: SandboxDatabase, made: Rehearsed, wished: bool | None, show_prompts: bool
) -> LastResort | None:
    """What a model makes of a rollback that cannot be proven; None when nobody wants to ask it, or it is not needed."""
    from ...tools.rollback.offer import wanted
    from ..context import open_project

    if wished is False or not wanted(made):
        return None
    project = open_project()
    if not (wished or project.settings.model.draft_rollbacks):
        return None
    from ...agents.rollback_draft import last_resort
    from ..crew import model_of

    return last_resort(server, database, made, model_of(project, show_prompts=show_prompts))


def _told(last: LastResort | None) -> tuple[tuple[str, ...], dict[str, Any]]:
    """The attempts as notes, and their record."""
    from ...tools.report.last_resort import line

    if last is None or not last.record:
        return (), {}
    notes = [f"attempt {a.number} of a model: {a.outcome}: {a.reason}" for a in last.attempts]
    return (*notes, line([last.record])), {"model_draft": last.record}
