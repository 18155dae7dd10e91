"""Durations as PostgreSQL writes them."""

from __future__ import annotations

import re

from ..errors import ConfigError


def seconds(duration: str) -> float:
    """A duration ("500ms", "60s", "5min", "1h") in seconds; a bare number is milliseconds. Errors: ConfigError."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(us|ms|s|min|h|d)?\s*", duration)
    if not match:
        raise ConfigError(f"'{duration}' is not a duration", hint='Write it like "500ms", "60s" or "5min".')
    factors = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
    return float(match[1]) * factors[match[2] or "ms"]
