"""SQL text of other people's sessions, fit to be shown: no literal, no number, no comment of it is left."""

from __future__ import annotations

import re

HEAD = 160  # characters of a statement that a report shows

# One alternative per kind of token; the order matters. A string, comment or dollar quote that the server cut off
# (pg_stat_activity.query holds track_activity_query_size bytes) runs to the end of the text.
# Source: manual, "Lexical Structure".
_TOKEN = re.compile(
    r"""
    (?P<comment> --[^\n]* | /\* )
  | (?P<escape>  (?<![A-Za-z0-9_$\x80-\U0010ffff]) [eE] ' (?: [^'\\] | \\. | '' )* (?: ' | \\? \Z ) )
  | (?P<string>  (?: (?<![A-Za-z0-9_$\x80-\U0010ffff]) (?: [bBxXnN] | [uU]& ) )? ' (?: [^'] | '' )* (?: ' | \Z ) )
  | (?P<name>    (?: (?<![A-Za-z0-9_$\x80-\U0010ffff]) [uU]& )? " (?: [^"] | "" )* (?: " | \Z ) )
  | (?P<dollar>  (?<![A-Za-z0-9_$\x80-\U0010ffff]) \$ (?: [A-Za-z_\x80-\U0010ffff] [A-Za-z0-9_\x80-\U0010ffff]* )? \$ )
  | (?P<param>   \$ [0-9]+ )
  | (?P<word>    [A-Za-z_\x80-\U0010ffff] [A-Za-z0-9_$\x80-\U0010ffff]* )
  | (?P<number>  (?: 0[xXoObB][0-9A-Fa-f_]+ | [0-9][0-9_]* (?: \.[0-9_]* )? (?: [eE][+-]?[0-9]+ )? | \.[0-9]+ (?: [eE][+-]?[0-9]+ )? ) )
  | (?P<other>   . )
    """,
    re.VERBOSE | re.DOTALL,
)


def without_literals(sql: str) -> str:
    """The statement with every string and number replaced by ?, comments gone, white space single.

    Never raises, also not for text that is cut off or is no SQL. A plain string with a backslash before a
    quote means one thing or another by the session's standard_conforming_strings: the text ends there with "...".
    """
    out: list[str] = []
    at = 0
    while at < len(sql):
        found = _TOKEN.match(sql, at)
        assert found is not None  # `other` takes any character
        kind, text = found.lastgroup, found.group()
        at = found.end()
        if kind == "comment":
            at = _end_of_comment(sql, found.start()) if text == "/*" else at
            out.append(" ")
        elif kind == "dollar":
            end = sql.find(text, at)
            at = len(sql) if end < 0 else end + len(text)
            out.append("?")
        elif kind == "string" and "\\'" in text:
            out.append("? ...")
            break
        elif kind in ("escape", "string", "number"):
            out.append("?")
        else:
            out.append(text)
    return " ".join("".join(out).split())


def query_head(sql: str | None, length: int = HEAD) -> str:
    """The beginning of a session's statement without literals; "" when there is none or the role may not see it."""
    if not sql or sql == "<insufficient privilege>":
        return ""
    text = without_literals(sql)
    return text if len(text) <= length else text[: length - 3].rstrip() + "..."


def _end_of_comment(sql: str, start: int) -> int:
    """Past a block comment, which may hold others; the end of the text when it is not closed."""
    depth, at = 0, start
    while at < len(sql):
        if sql.startswith("/*", at):
            depth, at = depth + 1, at + 2
        elif sql.startswith("*/", at):
            depth, at = depth - 1, at + 2
            if not depth:
                return at
        else:
            at += 1
    return at
