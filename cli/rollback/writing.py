"""A drafted or checked rollback: its files, and its certificate on the screen."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from ...tools.records import Certificate, Migration


def write(
    file: Path, migration: Migration, text: str, capture: str, out: Path | None, pre: Path | None, force: bool
) -> dict[str, Path]:
    """Where the two scripts went; {} when they are for the screen."""
    from ...errors import UsageError
    from ...tools.files import write_whole
    from ...tools.rollback.draft import label_of

    places: dict[str, Path] = {}
    if out is None and file.resolve().parent.name in ("pending", "applied"):
        folder = file.resolve().parent.parent / "rollback"
        out, force_needed = folder / f"{label_of(migration)}.sql", True
        pre = pre or folder / f"{label_of(migration)}.capture.sql"
        if out.exists() and not force and out.read_text(encoding="utf-8", errors="replace") != text:
            raise UsageError(
                "there is another rollback already",
                where=str(out),
                hint="Say --force to overwrite it, or --out FILE to write beside it. `agentdb rollback check` certifies it.",
            )
        if not capture and pre.exists() and force_needed:
            pre.unlink()
    if out is not None:
        places["rollback"] = write_whole(out, text)
        if capture:
            places["capture"] = write_whole(pre or out.with_name(f"{out.stem}.capture.sql"), capture)
    elif pre is not None and capture:
        places["capture"] = write_whole(pre, capture)
    return places


def show(
    certificate: Certificate,
    migration: Migration,
    paths: dict[str, Path],
    notes: tuple[str, ...],
    format: str,
    text: str,
    more: Mapping[str, Any] | None = None,
) -> None:
    """more: what stands in the JSON besides."""
    from ..screen import console, print_json, safe

    if format == "json":
        return print_json(
            {
                "schema_version": 1,
                "migration": migration.label,
                "certificate": certificate,
                "files": paths,
                "notes": notes,
                **({} if paths or not text else {"sql": text}),
                **(more or {}),
            }
        )
    out = console()
    good = certificate.proven and certificate.klass.value in ("LOSSLESS", "SCHEMA_ONLY")
    style = "good" if good else "bad" if certificate.klass.value == "IMPOSSIBLE" else "warn"
    out.print(f"[{style}]{safe(certificate.line)}[/]")
    for loss in certificate.losses:
        columns = f" ({', '.join(loss.columns)})" if loss.columns else ""
        count = "" if loss.rows is None else f"{loss.rows} rows, "
        out.print(f"  not brought back: {safe(loss.table + columns)}: {safe(count + loss.why)}")
    for difference in certificate.differences:
        out.print(f"  differs: {safe(difference)}")
    for note in notes:
        out.print(f"  note: {safe(note)}")
    for step in certificate.steps:
        mark = "[good]ok[/]  " if step["ok"] else "[bad]no[/]  "
        out.print(f"  {mark}{step['step']:<18} {safe(str(step['detail'])[:160])}")
    for what, path in paths.items():
        out.print(f"{what} written to {safe(str(path))}")
    if not paths and text:
        typer.echo()
        typer.echo(text, nl=False)
