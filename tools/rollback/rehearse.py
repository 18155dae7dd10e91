"""Draft and proof in one go, as the command line, the graph and the benchmark want them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..records import Certificate, Migration
from .draft import RollbackDraft, draft
from .file import certified, render, render_capture
from .proof import prove

if TYPE_CHECKING:
    from ..sandbox.databases import SandboxDatabase
    from ..sandbox.server import SandboxServer


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """A drafted rollback, its certificate (bound to the texts), and the texts of the two files."""

    migration: Migration
    draft: RollbackDraft
    certificate: Certificate
    text: str
    capture_text: str


def rehearse(
    server: SandboxServer,
    database: SandboxDatabase,
    migration: Migration,
    *,
    data: bool = True,
    together: bool | None = None,
    in_place: bool = False,
    exact_order: bool = False,
) -> Rehearsed:
    """The rollback of a migration, drafted and proven over the rows that `database` holds.

    database: the state before the migration; changed only when in_place says that it may be. together: the capture
    will run in the migration's transaction (default: where the migration runs in one). exact_order: columns go back to their
    places too, by making tables anew.
    Errors: RollbackError when the migration itself does not run; SandboxError, DatabaseError.
    """
    made = draft(server, database, migration, data=data, together=together, exact_order=exact_order)
    certificate = prove(
        server,
        database,
        migration,
        made.sql,
        made.capture_sql,
        together=made.together,
        in_place=in_place,
        touched=made.kept,
        losses=made.losses,
        limits=made.limits,
        known=made.study,
    )
    text, capture_text = render(made, certificate, migration), render_capture(made, migration)
    return Rehearsed(migration, made, certified(certificate, text, capture_text), text, capture_text)
