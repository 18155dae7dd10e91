"""agentdb new: the next numbered, empty migration."""

from __future__ import annotations

import typer

TEMPLATE = """\
-- purpose: {purpose}
-- depends:{depends}

"""


def new(
    description: str = typer.Argument(..., help='What it does, in a few words: "add email to customers".'),
    depends: str = typer.Option("", help="Numbers of the migrations that must run before it: 003,004."),
) -> None:
    """Write the next numbered, empty migration into migrations/pending/."""
    from ..errors import UsageError
    from ..tools import files, naming
    from .context import open_project

    project = open_project()
    name = naming.slug(description)
    if not name:
        raise UsageError("the description has no letter or digit", hint='Say for example: agentdb new "add email".')
    taken = [
        parts.version
        for folder in (project.layout.pending, project.layout.applied, project.layout.archived)
        if folder.is_dir()
        for path in folder.glob("*.sql")
        if (parts := naming.parse_name(path.name))
    ]
    if not project.layout.base.is_dir():
        raise UsageError(
            "there is no migrations folder", where=str(project.layout.base), hint="Run `agentdb init` first."
        )
    path = project.layout.pending / f"{naming.next_version(taken)}_{name}.sql"
    wanted = ", ".join(v.strip() for v in depends.split(",") if v.strip())
    text = TEMPLATE.format(purpose=" ".join(description.split()), depends=f" {wanted}" if wanted else "")
    files.write_whole(path, text if wanted else text.replace("-- depends:\n", ""))
    typer.echo(str(path.relative_to(project.layout.root)))
