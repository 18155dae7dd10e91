"""The prompts: one Markdown file per agent or talk, reviewed like code, each known by the hash of its text.

A file names its variables as {{name}} and its shared parts as {{> shared/name}}. Text from files, databases and
models goes in through `untrusted`, which wraps it in a tag that nobody could have written beforehand.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from functools import cache
from importlib import resources

from ..errors import ConfigError

INCLUDE = re.compile(r"\{\{>\s*([a-z0-9_/]+)\s*\}\}")
VARIABLE = re.compile(r"\{\{\s*([a-z][a-z0-9_]*)\s*\}\}")
NAME = re.compile(r"(shared/)?[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt ready to send. sha256: of the template with its shared parts, which is what reports quote."""

    name: str
    text: str
    sha256: str


def load(name: str, **variables: str) -> Prompt:
    """The prompt with its variables filled in. Values are put in as they are and never read as templates.

    Errors: ConfigError when there is no such prompt, when a variable is missing, or when one is not used.
    """
    template = template_of(name)
    wanted = set(VARIABLE.findall(template))
    if missing := sorted(wanted - set(variables)):
        raise ConfigError(f"prompt '{name}' needs {', '.join(missing)}", where=f"prompts/{name}.md")
    if spare := sorted(set(variables) - wanted):
        raise ConfigError(f"prompt '{name}' does not use {', '.join(spare)}", where=f"prompts/{name}.md")
    text = VARIABLE.sub(lambda match: variables[match[1]], template)
    return Prompt(name, text, sha_of(name))


@cache
def template_of(name: str) -> str:
    """The text of a prompt file with its shared parts put in. Errors: ConfigError."""
    if not NAME.fullmatch(name):
        raise ConfigError(f"'{name}' is not the name of a prompt")
    file = resources.files(__package__).joinpath(*f"{name}.md".split("/"))
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"there is no prompt '{name}'", where=f"prompts/{name}.md") from None
    if name.startswith("shared/") and INCLUDE.search(text):
        raise ConfigError("a shared part includes another", where=f"prompts/{name}.md")
    return INCLUDE.sub(lambda match: template_of(match[1]).strip(), text)


def sha_of(name: str) -> str:
    """sha256 of a template with its shared parts, 64 hexadecimal digits."""
    return hashlib.sha256(template_of(name).encode()).hexdigest()


def names() -> tuple[str, ...]:
    """The prompts that can be loaded, without the shared parts."""
    files = resources.files(__package__).iterdir()
    return tuple(sorted(f.name.removesuffix(".md") for f in files if f.name.endswith(".md")))


def untrusted(text: str, label: str = "data") -> str:
    """The text between tags with a random number, so that nothing inside can pretend to close them."""
    tag = f"untrusted-{label}-{secrets.token_hex(6)}"
    return f"<{tag}>\n{text}\n</{tag}>"
