"""Text from a database made inert: in Markdown, in HTML, in a Mermaid diagram and in a file name.

Names and comments are written by whoever may write to the database. Nothing in them may become markup, a link, a
mention, a diagram's syntax or a path. Sources: CommonMark 0.31 (backslash escapes, entities), GitHub Flavored
Markdown (tables, autolinks), Mermaid's grammar for entity relationship diagrams.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from functools import lru_cache

# Characters that reorder the text after them, or that nobody sees.
_UNSEEN = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u00ad\u061c\u180e]")
# An underscore inside a word is no markup in GitHub's Markdown; one at its edge may be.
_MARKUP = re.compile(r"([\\`*{}\[\]|~$!]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")
_FENCE = re.compile(r"`+")
WORD_JOINER = "\u2060"

# A line that would begin a block in Markdown, were it not escaped.
_BLOCK = re.compile(r"^(\s*)([#+>=-]|\d+[.)])")


def visible(text: str, *, newlines: bool = False) -> str:
    """The text with control, reordering and unseen characters spelled out; line feeds kept only when asked for."""
    if text.isascii() and text.isprintable():
        return text
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    out = []
    for character in text:
        if character == "\n":
            out.append("\n" if newlines else " ")
        elif character == "\t":
            out.append(" ")
        elif _UNSEEN.match(character) or unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"):
            out.append(f"\\u{ord(character):04x}")
        else:
            out.append(character)
    return "".join(out)


@lru_cache(maxsize=1 << 14)
def md(text: str) -> str:
    """The text as plain words in Markdown, also in a table's cell; line feeds become <br>."""
    lines = []
    for line in visible(text, newlines=True).strip("\n").split("\n"):
        line = line.strip().replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        line = _MARKUP.sub(r"\\\1", line)
        line = re.sub(r"(https?|ftp|mailto|xmpp):", r"\1\\:", line, flags=re.IGNORECASE)
        line = re.sub(r"(www)\.", r"\1\\.", line, flags=re.IGNORECASE)
        line = re.sub(r"@(?=\w)", f"@{WORD_JOINER}", line)
        line = re.sub(r"#(?=\d)", f"#{WORD_JOINER}", line)
        line = _BLOCK.sub(lambda m: m[1] + _escaped_start(m[2]), line)
        lines.append(line)
    return "<br>".join(lines)


def _escaped_start(text: str) -> str:
    return f"{text[:-1]}\\{text[-1]}"


@lru_cache(maxsize=1 << 14)
def code(text: str) -> str:
    """The text as code within a line or a table's cell."""
    text = visible(text)
    if text and not set(text) & set("`|\\<&") and text == text.strip() and "@" not in text:
        return f"`{text}`"
    marked = "".join(c if c.isalnum() or c == " " else f"&#{ord(c)};" for c in text)
    return f"<code>{marked}</code>" if marked else ""


def block(text: str, language: str = "sql") -> str:
    """The text as a fenced block of code; its fence is longer than any in the text."""
    text = visible(text, newlines=True).strip("\n")
    text = re.sub(r"<!--(?=\s*(?:agentdb|notes|/notes)\b)", f"<!--{WORD_JOINER}", text)  # must not look like our marks
    longest = max((len(m[0]) for m in _FENCE.finditer(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def html(text: str) -> str:
    """The text for an element's content or a quoted attribute in HTML or SVG."""
    text = visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace('"', "&quot;").replace("'", "&#39;")


def slug(*parts: str) -> str:
    """A file name or anchor for a name of the database: "public.orders".

    Lower-case names of letters, digits and underscores stay as they are. Any other gets a hash of itself, so that two
    names never meet, neither on a file system that ignores case nor as one path inside another.
    """
    if all(re.fullmatch(r"[a-z0-9_]{1,80}", part) for part in parts):
        return ".".join(parts)
    plain = "-".join(filter(None, (re.sub(r"[^a-z0-9]+", "-", part.lower()).strip("-")[:40] for part in parts)))
    digest = hashlib.sha256("\0".join(parts).encode(errors="surrogatepass")).hexdigest()[:8]
    return f"{plain or 'x'}-{digest}"


def first_line(text: str) -> str:
    """The first line of a comment, for lists."""
    lines = visible(text, newlines=True).strip().split("\n")
    return lines[0].strip()


def counted(number: int, word: str, many: str = "") -> str:
    """ "1 table", "3 tables"."""
    return f"{number} {word if number == 1 else many or word + 's'}"


# What Mermaid's lexer does not take inside quotes, or acts upon before parsing (directives, entity codes, HTML).
_MERMAID = str.maketrans({'"': "'", "\\": "\u29f5", "%": "\uff05", "#": "\uff03", "<": "\u2039", ">": "\u203a",
                          "`": "'", ";": ",", "{": "(", "}": ")", "[": "(", "]": ")", "|": "\u00a6"})  # fmt: skip


def mermaid_label(text: str, most: int = 60) -> str:
    """The text for a quoted label in a Mermaid diagram; characters that Mermaid acts upon become others that look
    alike, and the end of a long text is cut off."""
    text = " ".join(visible(text).split()).translate(_MERMAID)
    return f"{text[: most - 1]}\u2026" if len(text) > most else text


def mermaid_word(text: str) -> str:
    """The text as a bare word of a Mermaid diagram: letters, digits, underscores; begins with a letter."""
    word = re.sub(r"[^A-Za-z0-9_]+", "_", text).strip("_")
    return word if word[:1].isalpha() else f"c_{word}" if word else "c"
