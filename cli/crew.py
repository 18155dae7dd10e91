"""From a project and flags to the crew: shared by run, review and triage."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .context import ProjectContext, open_project

if TYPE_CHECKING:
    from ..agents.model import Model
    from ..graph.context import Target
    from ..graph.run import Crew


def open_for_crew(no_model: bool) -> ProjectContext:
    """The project in the working directory. Errors: ConfigError."""
    return open_project(overrides={"model.name": "off"} if no_model else None)


def model_of(project: ProjectContext, *, show_prompts: bool = False) -> Model | None:
    """The model that settings and environment name, or None. show_prompts: print on stderr what is sent to it."""
    from ..agents.model import model_from

    model = model_from(project.settings.model, os.environ)
    if model is not None and show_prompts:
        model.watch = _print_prompt
    return model


def target_of(project: ProjectContext, name: str | None) -> Target | None:
    """The target for the graph: the one asked for, else the only one whose variable is set, else None."""
    from ..graph.context import Target

    found = project.optional_target(name)
    return Target(found.name, found.settings, found.dsn) if found else None


@contextlib.contextmanager
def crew_of(
    project: ProjectContext,
    target: Target | None,
    model: Model | None,
    **options: Any,
) -> Iterator[Crew]:
    """The crew of a project, with its store and its sandbox, until the end of the block."""
    from ..graph.run import crew
    from . import ledger

    with crew(
        project.settings,
        project.layout,
        os.environ,
        allowed_signers=ledger.allowed_signers(project),
        who=ledger.who(),
        target=target,
        model=model,
        forbidden=project.all_target_dsns(),
        **options,
    ) as made:
        yield made


def relative_to(project: ProjectContext, paths: list[Path]) -> list[str]:
    """Paths as the graph keeps them: from the project's root where they lie below it.

    Errors: MigrationFileError for one that is no migration, before anything begins.
    """
    from ..tools.files import read_text

    root = project.layout.root.resolve()
    found = []
    for path in paths:
        read_text(path)
        whole = path.resolve()
        found.append(whole.relative_to(root).as_posix() if whole.is_relative_to(root) else str(whole))
    return found


def _print_prompt(text: str) -> None:
    import sys

    from .screen import safe

    sys.stderr.write(f"----- prompt\n{safe(text)}\n-----\n")
