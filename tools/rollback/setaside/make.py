"""A migration set aside instead of dropping, its rollback, and the proof of both, in one go."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ....errors import RollbackError
from ... import naming
from ...records import Certificate, Migration
from ...schema.model import ObjectId
from ...schema.snapshot import read_snapshot
from ...sql.quote import literal
from ..draft import RollbackDraft, draft, label_of
from ..file import certified, render, render_capture
from ..notes import Note
from ..preimages import ARCHIVE
from ..proof import prove
from . import instant, rewrite, sameness, since
from .names import Aside

if TYPE_CHECKING:
    from ...sandbox.databases import SandboxDatabase
    from ...sandbox.server import SandboxServer

OUTSIDE = "-- agentdb: no-transaction\n"


@dataclass(frozen=True, slots=True)
class SetAside:
    """A migration written so that nothing is dropped, its rollback, and what was proven.

    migration: with the new text; text, capture_text: of its rollback and capture script ("" when nothing is copied).
    asides: what is set aside; left: destructive statements that stay as they are, and why. seen: what an application
    sees that it would not see after the plain migration; tried: what was compared in the sandbox. later: how many
    statements of the rollback validate or build after the moment in which it holds locks that stop anybody.
    """

    migration: Migration
    certificate: Certificate
    draft: RollbackDraft
    text: str
    capture_text: str
    asides: tuple[Aside, ...]
    left: tuple[rewrite.Left, ...]
    seen: tuple[str, ...]
    tried: tuple[str, ...]
    later: int


def set_aside(server: SandboxServer, database: SandboxDatabase, migration: Migration) -> SetAside:
    """The migration with its drops set aside, its rollback, and the proof of both over the rows that `database` holds.

    database: the state before; a copy is used. Errors: RollbackError when nothing can be set aside (it says why),
    when the migration does not run, or when the result would not be what the plain migration leads to; SandboxError,
    DatabaseError.
    """
    label = label_of(migration)
    with database.connect() as conn:
        before = read_snapshot(conn)
    with sameness.carried_out(server, database, migration) as conn:
        plain = read_snapshot(conn)
    found = rewrite.rewritten(server, database, migration, label)
    if not found.asides:
        raise _nothing(migration, found)
    seen = sameness.schema(plain, found.after, found.asides)
    aside = replace(migration, sql=found.sql, sha256=naming.checksum(found.sql))
    tried = sameness.behaviour(server, database, migration, aside, found.asides, before, plain)
    made, later = _instant(draft(server, database, aside), found, seen)
    certificate = prove(
        server,
        database,
        aside,
        made.sql,
        made.capture_sql,
        together=made.together,
        touched=(*made.kept, *{ObjectId("table", a.schema, "", a.table) for a in found.asides}),
        losses=made.losses,
        limits=made.limits,
    )
    text = render(made, certificate, migration)
    if later:
        text = OUTSIDE + text
    capture_text = render_capture(made, migration)
    return SetAside(
        aside,
        certified(certificate, text, capture_text),
        made,
        text,
        capture_text,
        found.asides,
        found.left,
        seen,
        tried,
        later,
    )


def _instant(made: RollbackDraft, found: rewrite.Rewritten, seen: tuple[str, ...]) -> tuple[RollbackDraft, int]:
    """The draft with its long work taken apart, and how many statements of that there are."""
    assert made.study is not None
    forget = Note("", f"DELETE FROM {ARCHIVE}.set_aside WHERE migration = {literal(made.label)}")
    guard = instant.guard(found.asides)
    parts = instant.parted((*made.steps, forget), made.study.before, made.label)
    check = since.stopped(parts, made.study, guard)
    if not parts.later:
        steps = [check, *made.steps, forget]
    else:
        first, *rest = parts.later
        comment = "Under locks that let reads and writes go on; each statement by itself."
        steps = [check, instant.at_once(parts.first), Note(comment, first.sql), *rest]
    hidden = {(a.schema, a.table, a.was) for a in found.asides if a.kind == "column"}
    limits = [
        f"rows written since have no value of {c.schema}.{c.parent}.{c.name}, and stop the rollback until they get one"
        for c in parts.filled
        if c[1:] in hidden  # no application can know the column under its new name
    ]
    made = replace(made, limits=(*made.limits, *limits))
    notes = [*made.notes, *(f"left to copying: {x.what}: {x.why}" for x in found.left)]
    if any(s.startswith("column") for s in seen):
        names = ", ".join(a.now for a in found.asides if a.kind == "column")
        notes.append(f"until they are purged, SELECT * and INSERT without a list of columns see: {names}")
    return replace(made, steps=tuple(steps), notes=tuple(notes)), len(parts.later)


def _nothing(migration: Migration, found: rewrite.Rewritten) -> RollbackError:
    """The error when nothing can be set aside, with the first reason."""
    if not found.left:
        return RollbackError(
            "nothing in this migration drops a table or a column with rows of before",
            where=str(migration.path),
            hint="`agentdb rollback draft` writes its way back.",
        )
    first = found.left[0]
    return RollbackError(
        f"{first.what} cannot be set aside: {first.why}",
        where=f"{migration.path}:{first.line}",
        hint="`agentdb rollback draft` keeps its rows by copying.",
    )
