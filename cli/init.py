"""agentdb init: a project's folders, its agentdb.toml, and a key to approve with."""

from __future__ import annotations

import getpass
from pathlib import Path

import typer

TEMPLATE = """\
# agentdb's settings. Every key is explained in docs/configuration.md; unknown keys are errors.

[project]
name = "{name}"

# A database that migrations go to. The connection string stands in the environment variable, never here.
[targets.prod]
dsn_env = "{variable}"
environment = "prod"

[hazards]
fail_on = "error" # info | warning | error | never
"""


def init(
    directory: Path = typer.Argument(Path("."), help="Where the project is (made if it is not there)."),
    name: str = typer.Option("", help="The project's name (default: the folder's)."),
    quiet: bool = typer.Option(False, "--quiet", "-q", help="Print nothing when all is well."),
) -> None:
    """Make a project: folders, agentdb.toml and a key to approve with. What is there already is left as it is."""
    from ..config import FILE_NAME
    from ..tools.files import Layout, write_whole
    from ..tools.ledger.approvals import create_local_key

    root = directory.resolve()
    layout = Layout(root)
    made: list[str] = []
    kept: list[str] = []

    def note(path: Path, is_new: bool) -> None:
        shown = str(path.relative_to(root)) + ("/" if path.is_dir() else "")
        (made if is_new else kept).append(shown)

    config = root / FILE_NAME
    is_new = not config.exists()
    if is_new:
        project = name or root.name
        write_whole(config, TEMPLATE.format(name=project, variable="AGENTDB_TARGET_PROD_URL"))
    note(config, is_new)
    for folder in (layout.pending, layout.applied, layout.rollback, layout.archived):
        is_new = not folder.is_dir()
        if is_new:
            write_whole(folder / ".gitkeep", "")
        note(folder, is_new)
    state = layout.state_dir
    is_new = not state.is_dir()
    if is_new:
        write_whole(state / ".gitignore", "*\n")
        state.chmod(0o700)
    note(state, is_new)
    key = state / "approval_key"
    is_new = not key.exists()
    if is_new:
        create_local_key(state, _person())
    note(key, is_new)
    if quiet:
        return
    for shown in made:
        typer.echo(f"  made  {shown}")
    for shown in kept:
        typer.echo(f"  kept  {shown}")
    typer.echo("")
    typer.echo('Next: agentdb new "create customers", write the SQL, then agentdb review.')


def _person() -> str:
    """Who approves on this machine: the git identity, else the login name."""
    import subprocess

    try:
        found = subprocess.run(["git", "config", "user.email"], capture_output=True, text=True, timeout=5, check=False)
        if found.stdout.strip():
            return found.stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        pass
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "owner"
