"""Whether a certificate speaks of given scripts: it holds for the texts that were proven, and for no others."""

from __future__ import annotations

from .. import naming
from ..records import Certificate


def holds_for(certificate: Certificate, up: str, down: str, capture: str = "") -> bool:
    """True when the three texts are those that the certificate was made for.

    Line endings, blanks at the ends of lines and empty lines at the end do not count: editors and checkouts change
    them. See naming.normalised.
    """
    return (certificate.up_sha256, certificate.down_sha256, certificate.capture_sha256) == (
        naming.checksum(up),
        naming.checksum(down),
        naming.checksum(capture) if capture else "",
    )
