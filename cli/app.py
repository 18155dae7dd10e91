"""The front door: which commands there are, and how an error leaves the house.

Only typer is imported here. A command's module is imported when that command is called, or asked for its help.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
from typing import Any, NamedTuple

import typer
from typer.core import TyperGroup

from .. import __version__
from ..errors import AgentdbError
from . import quick


class Command(NamedTuple):
    """Where a command lives (module below cli, attribute) and its one line of help."""

    module: str
    attribute: str
    help: str


# In the order in which a person meets them.
COMMANDS: dict[str, Command] = {
    "demo": Command("demo", "demo", "See the whole crew at work on a stand-in production database."),
    "init": Command("init", "init", "Make a project: folders, agentdb.toml and a key to approve with."),
    "new": Command("new", "new", "Write the next numbered, empty migration."),
    "status": Command("status", "status", "What is pending, applied or interrupted, as files and target really are."),
    "check": Command("check", "check", "Name the hazards in migrations."),
    "test": Command("test", "test", "Run a migration in the sandbox and show what each statement did."),
    "rehearse": Command("rehearse", "rehearse", "Run a migration under traffic; recommend lock_timeout and retries."),
    "conflicts": Command("conflicts", "conflicts", "Find duplicate numbers, gaps, edited and colliding migrations."),
    "rollback": Command("rollback", "rollback", "Draft, prove, check or run the way back."),
    "docs": Command("docs", "docs", "Write the schema's documentation and diagram, or say what is stale."),
    "health": Command("health", "health", "Check a live database: locks, indexes, limits, bloat."),
    "drift": Command("drift", "drift", "Compare a live database with what the migrations make."),
    "review": Command("review", "review", "Talk a migration through with the crew and decide."),
    "triage": Command("triage", "triage", "Work out, in conversation, what is wrong with a live database."),
    "approve": Command("approve", "approve", "Sign a plan: these bytes, this target, this state."),
    "apply": Command("apply", "apply", "Carry out an approved plan."),
    "run": Command("run", "run", "Send pending migrations through the crew and write the report."),
    "pr": Command("pr", "pr", "What a branch does to the migrations, as one comment on its pull request."),
    "explain": Command("explain", "explain", "What a rule means, with a bad and a good example."),
    "doctor": Command("doctor", "doctor", "Check that everything agentdb needs is here."),
}


class LazyCommands(TyperGroup):
    """A group that imports a command's module only when the command is used."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        target = getattr(importlib.import_module(f"..{entry.module}", __name__), entry.attribute)
        if isinstance(target, typer.Typer):
            made = typer.main.get_command(target)
        else:
            inner = typer.Typer(add_completion=False, rich_markup_mode=None)
            inner.command(help=entry.help, context_settings={"help_option_names": ["-h", "--help"]})(target)
            made = typer.main.get_command(inner)
        made.name = cmd_name
        return made

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in COMMANDS:
            import difflib

            close = difflib.get_close_matches(name, COMMANDS, n=1)
            hint = f" Did you mean '{close[0]}'?" if close else ""
            ctx.fail(f"there is no command '{name}'.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])


app = typer.Typer(
    name="agentdb",
    cls=LazyCommands,
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 fine, 1 findings, 2 usage, 3 sandbox or database, 4 refused, 5 applied but not verified.",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"agentdb {__version__}")
        raise typer.Exit


@app.callback()
def front(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
    debug: bool = typer.Option(False, "--debug", help="Show the traceback of an error."),
) -> None:
    """Take a database migration from a file to production: checked, rehearsed, reversible, approved by a person."""
    if debug:
        os.environ["AGENTDB_DEBUG"] = "1"


def main(arguments: list[str] | None = None) -> None:
    """Run the command line. Every AgentdbError ends as one line and a hint on stderr, with its exit code."""
    debug = "--debug" in (sys.argv[1:] if arguments is None else arguments) or bool(os.environ.get("AGENTDB_DEBUG"))
    if arguments is None:  # a process of our own
        gc.set_threshold(100_000)  # imports make objects that stay: to look through them again and again takes long
    try:
        code = quick.run(sys.argv[1:] if arguments is None else arguments)
        if code is None:
            app(arguments)
        elif arguments is None:
            quick.leave(code)
        elif code:
            sys.exit(code)
    except AgentdbError as error:
        if debug:
            raise
        typer.echo(f"agentdb: {error}", err=True)
        if error.hint:
            typer.echo(f"  {error.hint}", err=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        typer.echo("agentdb: interrupted", err=True)
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        if debug:
            raise
        summary = " ".join(str(error).split())[:300]
        typer.echo(f"agentdb: something went wrong inside agentdb: {type(error).__name__}: {summary}", err=True)
        typer.echo("  Run the same command with --debug before it (agentdb --debug ...) to see where.", err=True)
        sys.exit(3)


if __name__ == "__main__":
    main()
