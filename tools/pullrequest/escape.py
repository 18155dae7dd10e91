"""Text that others wrote, made inert for a comment on GitHub and GitLab.

What acts there, and why each thing below is done:
- Markdown and HTML: every character that either gives a meaning stands as a numeric entity, which can open nothing.
  Source: CommonMark 0.31, "Entity and numeric character references"; GitHub Flavored Markdown, extensions.
- Mentions, references to issues and commits, bare addresses, emoji and GitLab's labels are found in the text *after* it was
  rendered, so entities do not keep them away: a word joiner (U+2060) breaks them up.
- Names stand in code spans, where none of that is looked for and where they can be copied as they are.
- Scripts stand in a `pre` element, which nothing but `</pre>` ends, instead of a fence, which a line of backticks ends.
- GitLab carries out lines that begin with a slash, and a GitHub runner lines that begin with "::" or hold "##[":
  no line of a comment begins with such a character.
- Characters that cannot be seen or that turn the text around are shown by their number.
"""

from __future__ import annotations

import re
import unicodedata

JOINER = "\u2060"
# Letters without a shape: Hangul fillers, Khmer inherent vowels, the braille blank, the grapheme joiner.
_SHAPELESS = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5")
_MOST_MARKS = 3  # combining marks on one letter
_ACTIVE = {c: f"&#{ord(c)};" for c in "\\`*_{}[]<>#!|~&$@^%"}
_REFERS = re.compile(r"([@#!$%&~^*\[{])(?=\S)")
_ADDRESS = re.compile(r":(?=//|[\w+-]+:)|(?i:\bwww(?=\.)|\b(?:GH|GL)(?=-\d))")
_COMMIT = re.compile(r"\b(?=[0-9]*[a-f])[0-9a-f]{7,64}\b")
# What would begin a list, a rule or a line of a runner's at the beginning of an item.
_ITEM = re.compile(r"^(?P<number>\d{1,9}(?=[.)](?:\s|$)))?(?P<sign>(?(number)[.)]|[-+=:/]))")
_LINE_START = re.compile(r"(?m)^([/:#@])")


def visible(text: str, keep: str = "") -> str:
    """The text with every character that cannot be seen, or that turns or stacks others, shown as ⟨U+202E⟩.

    keep: characters to leave alone, such as "\\n". Other blanks become spaces.
    """
    shown: list[str] = []
    marks = 0
    for c in text:
        kind = unicodedata.category(c)
        marks = marks + 1 if kind in ("Mn", "Me") else 0
        if c in keep:
            shown.append(c)
        elif c in "\t\n\r" or kind == "Zs":
            shown.append(" ")
        elif kind[0] == "C" or kind in ("Zl", "Zp") or c in _SHAPELESS or _is_selector(c) or marks > _MOST_MARKS:
            shown.append(f"⟨U+{ord(c):04X}⟩")
        else:
            shown.append(c)
    return "".join(shown)


def text(value: object, most: int = 400) -> str:
    """The value as plain words on one line: what it says is read, nothing in it acts, also inside a table."""
    broken = _broken(_one_line(value, most))
    inert = "".join(_ACTIVE.get(c, c) for c in broken)
    return _ITEM.sub(lambda m: f"{m['number'] or ''}&#{ord(m['sign'])};", inert)


def code(value: object, most: int = 160) -> str:
    """The value as a code span, right for any run of backticks in it. A bar becomes a look-alike: inside a table
    renderers differ on how to write one."""
    line = _one_line(value, most).replace("|", "\u2502")
    line = line.replace("<!--", f"<{JOINER}!--").replace("##[", f"##{JOINER}[")
    if not line:
        return "(none)"
    fence = "`" * (max((len(run) for run in re.findall("`+", line)), default=0) + 1)
    pad = " " if line[0] in "` " or line[-1] in "` " else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def html(value: object, most: int = 160) -> str:
    """The value inside an HTML element that is ours, where Markdown is not read."""
    line = _broken(_one_line(value, most))
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def block(script: str, language: str = "sql") -> list[str]:
    """A script as lines of Markdown that show it to the letter and can be copied."""
    body = visible(script.replace("\r\n", "\n").strip("\n"), keep="\n\t")
    body = body.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    body = body.replace("##[", "#&#35;[")
    body = body.replace("|", "&#124;")  # some renderers look for tables before they look for HTML
    body = _LINE_START.sub(lambda m: f"&#{ord(m[1])};", body)
    return [f'<pre lang="{language}"><code>{body}', "</code></pre>"]


def cut(value: str, most: int) -> str:
    """The value, or its beginning and an ellipsis."""
    return value if len(value) <= most else f"{value[: most - 1]}…"


def _one_line(value: object, most: int) -> str:
    """The value on one line, blanks in a row as one. Of a very long one only the beginning is looked at."""
    return cut(" ".join(visible(str(value)[: 8 * most]).split()), most)


def _broken(line: str) -> str:
    """The line with a word joiner in everything that a service would find after rendering."""
    line = _REFERS.sub(rf"\1{JOINER}", line)
    line = _ADDRESS.sub(lambda m: m[0] + JOINER, line)
    return _COMMIT.sub(lambda m: JOINER.join(m[0][n : n + 6] for n in range(0, len(m[0]), 6)), line)


def _is_selector(c: str) -> bool:
    """Whether it is a variation selector, which can carry hidden bytes."""
    return "\ufe00" <= c <= "\ufe0f" or "\U000e0100" <= c <= "\U000e01ef"
