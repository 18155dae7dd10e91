"""agentdb rollback: draft the way back of a migration, prove it, carry it out, and the way back in an emergency.

A subcommand is a file of this folder and a line of SUBCOMMANDS; its module is imported when it is called. What is no
subcommand but a migration's number (`agentdb rollback 014`) is the emergency command.
"""

from __future__ import annotations

import importlib
import re
from typing import Any, NamedTuple

import typer
from typer.core import TyperGroup


class Subcommand(NamedTuple):
    """Where a subcommand lives (module of this folder, function) and its one line of help."""

    module: str
    function: str
    help: str


EMERGENCY = "emergency"

# In the order in which a person meets them.
SUBCOMMANDS: dict[str, Subcommand] = {
    EMERGENCY: Subcommand(
        "emergency", "emergency", "In an emergency: assess, prove for today, ask, take back, report."
    ),
    "draft": Subcommand("draft", "draft", "Draft the rollback of a migration, prove it, and write it."),
    "check": Subcommand("check", "check", "Certify a rollback that is there, whoever wrote it."),
    "cost": Subcommand("cost", "cost", "Tell what a migration copies before it runs."),
    "set-aside": Subcommand("set_aside", "set_aside", "Set dropped tables and columns aside instead of copying."),
    "plan": Subcommand("plan", "plan", "Write the recovery plan of a release, before it goes out."),
    "run": Subcommand("run", "run", "Carry out an approved rollback on a target."),
    "purge": Subcommand("purge", "purge", "Show what was kept, and delete it once that is approved."),
}

VERSION = re.compile(r"\d+(_\w+)?(\.sql)?")


class LazySubcommands(TyperGroup):
    """A group that imports a subcommand's module only when it is used."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(SUBCOMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        entry = SUBCOMMANDS.get(cmd_name)
        if entry is None:
            return None
        function = getattr(importlib.import_module(f".{entry.module}", __name__), entry.function)
        inner = typer.Typer(add_completion=False, rich_markup_mode=None)
        inner.command(context_settings={"help_option_names": ["-h", "--help"]})(function)
        made = typer.main.get_command(inner)
        made.name = cmd_name
        return made

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        words = [a for a in args if not a.startswith("-")]
        if EMERGENCY in SUBCOMMANDS and not set(words) & set(SUBCOMMANDS) and any(map(VERSION.fullmatch, words)):
            args = [EMERGENCY, *args]
        return super().parse_args(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(
                [("NNN [NNN ...]" if n == EMERGENCY else n, entry.help) for n, entry in SUBCOMMANDS.items()]
            )


rollback = typer.Typer(
    cls=LazySubcommands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@rollback.callback()
def front() -> None:
    """Draft, prove, check or run the way back; in an emergency: agentdb rollback NNN --target prod."""
