"""agentdb rollback set-aside: a migration written so that what it drops can come back at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from .options import DSN_ENV, FILE, FORMAT, HISTORY, REPLAY, ROWS, TARGET
from .staging import before

if TYPE_CHECKING:
    from ...tools.records import Migration
    from ...tools.rollback.setaside.make import SetAside


def set_aside(
    file: Path = FILE,
    target: str = TARGET,
    replay: bool = REPLAY,
    dsn_env: str = DSN_ENV,
    history: Path = HISTORY,
    write: bool = typer.Option(False, "--write", help="Write it into the migration's file, and its rollback."),
    out: Path = typer.Option(None, "--out", help="Write migration, rollback and capture script into this folder."),
    force: bool = typer.Option(False, "--force", help="Overwrite what is there."),
    rows: int = ROWS,
    format: Literal["text", "json"] = FORMAT,
) -> None:
    """Set dropped tables and columns aside instead: nothing is copied, and the way back changes the catalog only."""
    from ...errors import UsageError
    from ...tools.rollback.setaside import make

    if write and out:
        raise UsageError("--write and --out exclude each other", hint="Name one of them.")
    if write and file.resolve().parent.name != "pending":
        raise UsageError(
            "only a pending migration can be written anew", where=str(file), hint="Say --out FOLDER to write beside it."
        )
    with before(file, target, replay, dsn_env, history, rows) as (migration, server, stage, _):
        made = make.set_aside(server, stage.database, migration)
    places = _write(file, migration, made, out, force) if write or out else {}
    _show(made, places, stage.notes, format, file)
    raise typer.Exit(3 if made.certificate.klass.value == "IMPOSSIBLE" else 0)


def _write(file: Path, migration: Migration, made: SetAside, out: Path | None, force: bool) -> dict[str, Path]:
    """Where the scripts went."""
    from ...errors import UsageError
    from ...tools.files import write_whole

    label = made.draft.label
    if out is None:
        back = file.resolve().parent.parent / "rollback"
        wanted = {"migration": file, "rollback": back / f"{label}.sql", "capture": back / f"{label}.capture.sql"}
    else:
        wanted = {
            "migration": out / file.name,
            "rollback": out / f"{label}.rollback.sql",
            "capture": out / f"{label}.capture.sql",
        }
    texts = {"migration": made.migration.sql, "rollback": made.text, "capture": made.capture_text}
    for what, path in wanted.items():
        if what == "migration" and out is None:
            continue
        if path.exists() and not force and path.read_text(encoding="utf-8", errors="replace") != texts[what]:
            raise UsageError(
                f"there is another {what} script already", where=str(path), hint="Say --force to overwrite it."
            )
    if not texts["capture"]:
        wanted.pop("capture").unlink(missing_ok=True)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
    return {what: write_whole(path, texts[what]) for what, path in wanted.items()}


def _show(made: SetAside, places: dict[str, Path], notes: tuple[str, ...], format: str, file: Path) -> None:
    from ..screen import console, print_json, safe
    from ..screen import write as line

    if format == "json":
        texts = {"migration": made.migration.sql, "rollback": made.text, "capture": made.capture_text}
        return print_json(
            {
                "schema_version": 1,
                "migration": made.migration.label,
                "certificate": made.certificate,
                "set_aside": made.asides,
                "left_to_copying": made.left,
                "still_seen": made.seen,
                "tried": made.tried,
                "validated_after": made.later,
                "notes": (*notes, *made.draft.notes),
                "files": places,
                **({} if places else {"sql": texts}),
            }
        )
    out = console()
    good = made.certificate.proven and made.certificate.klass.value in ("LOSSLESS", "SCHEMA_ONLY")
    line(out, f"[{'good' if good else 'warn'}]{safe(made.certificate.line)}[/]")
    for aside in made.asides:
        line(out, f"  set aside  {aside.kind} {safe(aside.title)} -> {safe(aside.place)}")
    for left in made.left:
        line(out, f"  [warn]copied[/warn]     {safe(left.what)} (line {left.line}): {safe(left.why)}")
    seen = ", ".join(made.seen) or "nothing more than after the plain migration"
    line(out, f"  an application sees  {safe(seen)}")
    for tried in made.tried:
        line(out, f"  compared with the plain migration  {safe(tried)}")
    for note in (*notes, *made.draft.notes):
        line(out, f"  note  {safe(note)}")
    word = "catalog changes only" if not made.capture_text else "catalog changes, and the rows that were copied"
    more = f", then {made.later} statements under locks that let reads and writes go on" if made.later else ""
    line(out, f"  the way back  {word}{more}")
    for what, path in places.items():
        line(out, f"{what} written to {safe(str(path))}")
    if not places:
        typer.echo(f"\n{made.migration.sql}")
        line(out, f"Nothing was written. To write it: agentdb rollback set-aside {safe(str(file))} --write")
