"""The first statement of a rollback that puts rows back: it stops when the copies are not there any more."""

from __future__ import annotations

import re

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


_ONLY_LOOKS = re.compile(
    r"DO \$there\$ BEGIN IF to_regclass\('[^'\\]+'\) IS NULL(?: OR to_regclass\('[^'\\]+'\) IS NULL)* THEN"
    r" RAISE EXCEPTION '[^'\\]+' USING HINT = '[^'\\]+'; END IF; END \$there\$"
)


def only_looks(text: str) -> bool:
    """Whether a block is such a statement, which changes nothing, to the letter."""
    return _ONLY_LOOKS.fullmatch(" ".join(text.split())) is not None
