"""The first statement of a rollback that puts rows back: it stops when the copies are not there any more."""

from __future__ import annotations

from ..sql.quote import literal
from .capture import Capture, archived
from .notes import Note


def there(capture: Capture) -> Note:
    """Stops the rollback with a plain word, before anything is changed, when a copy was purged or never made."""
    names = [archived(k.archive) for k in capture.tables]
    if capture.sequences or capture.restarted:
        names.append(archived(f"{capture.head}__positions"))
    gone = "\n     OR ".join(f"to_regclass({literal(name)}) IS NULL" for name in names)
    what = f"what {capture.label} kept is not in agentdb_archive: it was purged, or never kept".replace("%", "%%")
    return Note(
        "The copies must still be there.",
        f"DO $there$\nBEGIN\n  IF {gone} THEN\n    RAISE EXCEPTION {literal(what)}\n"
        "      USING HINT = 'Nothing was changed. Draft a rollback that does without them: --no-data.';\n"
        "  END IF;\nEND $there$",
    )
