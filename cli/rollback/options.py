"""The arguments and options that several subcommands of `agentdb rollback` have in common."""

from __future__ import annotations

import typer

FILE = typer.Argument(..., help="The migration's file.", show_default=False)
TARGET = typer.Option(None, "--target", "-t", help="Start from this target's schema (it is only read).")
REPLAY = typer.Option(False, "--replay", help="Start from what the earlier migrations make.")
HISTORY = typer.Option(None, "--history", help="Start from what the .sql files of this folder make, in name order.")
DSN_ENV = typer.Option(
    None, "--dsn-env", help="Variable with the DSN of a private database in the state before; it is changed."
)
ROWS = typer.Option(None, "--rows", min=0, help="Synthetic rows a table (default: sandbox.rows).")
FORMAT = typer.Option("text", "--format", help="text | json.")
