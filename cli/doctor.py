"""agentdb doctor: whether everything that agentdb needs is here."""

from __future__ import annotations

from typing import Literal

import typer

STYLE = {"ok": "good", "warn": "warn", "bad": "bad"}


def doctor(
    format: Literal["text", "json"] = typer.Option("text", "--format", help="text | json."),
    stop_sandbox: bool = typer.Option(False, "--stop-sandbox", help="Only stop the embedded sandbox server."),
    remove_sandbox: bool = typer.Option(False, "--remove-sandbox", help="Only stop it and delete its files."),
    force: bool = typer.Option(False, "--force", help="Stop it even while another agentdb works with it."),
) -> None:
    """Check that everything agentdb needs is here."""
    if stop_sandbox or remove_sandbox:
        stop(force=force, remove=remove_sandbox)
        return
    from .checkup import checkup
    from .screen import console, print_json, safe

    if format == "json":
        findings = list(checkup())
        print_json({"schema_version": 1, "ok": all(f.status != "bad" for f in findings), "findings": findings})
    else:
        out = console()
        findings = []
        for finding in checkup():
            findings.append(finding)
            out.print(f"[{STYLE[finding.status]}]{finding.status:4}[/]  {safe(finding.what):12} {safe(finding.says)}")
            if finding.hint:
                out.print(f"{'':19}{safe(finding.hint)}")
        bad = sum(f.status == "bad" for f in findings)
        out.print()
        out.print("everything needed is here" if not bad else f"{bad} of {len(findings)} things are missing or broken")
    if any(f.status == "bad" for f in findings):
        raise typer.Exit(3)


def stop(*, force: bool, remove: bool) -> None:
    """Stop the embedded server. Errors: RefusedError while somebody works with it."""
    from ..tools.sandbox.server import status, stop_embedded

    home = status().home
    was = stop_embedded(force=force, remove=remove)
    typer.echo(f"the sandbox server {'is stopped' if was else 'was not running'}: {home}")
    if remove:
        typer.echo("its files are deleted")
